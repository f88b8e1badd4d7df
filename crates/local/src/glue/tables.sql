CREATE TABLE glue_database (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  input TEXT NOT NULL,              -- DatabaseInput as JSON, without the name
  created INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) STRICT;

CREATE TABLE glue_table (
  scope TEXT NOT NULL,
  database TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,         -- VersionId of the current definition; it only grows
  input TEXT NOT NULL,              -- TableInput as JSON, without the name
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (scope, database, name),
  FOREIGN KEY (scope, database) REFERENCES glue_database ON DELETE CASCADE
) STRICT;

-- Which catalog table a DynamoDB table has: asked by every crawl.
CREATE INDEX glue_table_location ON glue_table (scope, database, json_extract(input, '$.StorageDescriptor.Location'));

CREATE TABLE glue_table_version (   -- the versions before the current one
  scope TEXT NOT NULL,
  database TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  input TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (scope, database, name, version),
  FOREIGN KEY (scope, database, name) REFERENCES glue_table ON DELETE CASCADE
) STRICT;

CREATE TABLE glue_crawler (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  definition TEXT NOT NULL,         -- what GetCrawler answers of the crawler's definition, as JSON
  state TEXT NOT NULL,              -- READY, RUNNING, STOPPING
  version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  schedule TEXT,
  scheduled INTEGER NOT NULL,
  running TEXT,                     -- the crawl that runs
  last TEXT,                        -- the last crawl that ended
  PRIMARY KEY (scope, name)
) STRICT;
CREATE UNIQUE INDEX glue_crawler_running ON glue_crawler (running) WHERE running IS NOT NULL;

CREATE TABLE glue_crawl (
  number INTEGER PRIMARY KEY,       -- in the order of their starts
  id TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL,
  crawler TEXT NOT NULL,
  state TEXT NOT NULL,              -- RUNNING, COMPLETED, FAILED, STOPPED
  started INTEGER NOT NULL,
  ended INTEGER,
  error TEXT,
  endpoint TEXT NOT NULL,           -- which works on it, of those that share this state
  summary TEXT,                     -- names of the tables created, updated and deleted, as JSON
  FOREIGN KEY (scope, crawler) REFERENCES glue_crawler ON DELETE CASCADE
) STRICT;
CREATE INDEX glue_crawl_of ON glue_crawl (scope, crawler, number);

CREATE TABLE glue_tag (
  scope TEXT NOT NULL,
  arn TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (scope, arn, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE glue_registry (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) STRICT;

CREATE TABLE glue_schema (
  scope TEXT NOT NULL,
  registry TEXT NOT NULL,
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  compatibility TEXT NOT NULL,
  description TEXT,
  checkpoint INTEGER NOT NULL,
  latest INTEGER NOT NULL,          -- the newest version that is AVAILABLE, 0 before the first
  next INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (scope, registry, name),
  FOREIGN KEY (scope, registry) REFERENCES glue_registry ON DELETE CASCADE
) STRICT;

CREATE TABLE glue_schema_version (
  id TEXT NOT NULL PRIMARY KEY,
  scope TEXT NOT NULL,
  registry TEXT NOT NULL,
  schema TEXT NOT NULL,
  number INTEGER NOT NULL,
  definition TEXT NOT NULL,
  hash TEXT NOT NULL,               -- SHA-256 of the canonical definition
  status TEXT NOT NULL,             -- PENDING, AVAILABLE, FAILURE
  created INTEGER NOT NULL,
  UNIQUE (scope, registry, schema, number),
  FOREIGN KEY (scope, registry, schema) REFERENCES glue_schema ON DELETE CASCADE
) STRICT;
CREATE INDEX glue_schema_version_hash ON glue_schema_version (scope, registry, schema, hash);
CREATE INDEX glue_schema_version_pending
  ON glue_schema_version (scope, registry, schema) WHERE status = 'PENDING';

CREATE TABLE glue_schema_metadata (
  version TEXT NOT NULL REFERENCES glue_schema_version ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (version, key, value)
) STRICT, WITHOUT ROWID;
