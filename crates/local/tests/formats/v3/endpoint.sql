-- The state of the endpoint after a managed and a native crawl of one table, as the release of format 3 wrote it.
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
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
INSERT INTO "glue_crawl" VALUES(1,'263459f3-7762-4eaf-8d2e-fe56cffd1458','123456789012/us-east-1','orders_crawler','COMPLETED',1795637939502,1795637939561,NULL,'3b4bee32-34a5-4e24-8882-2fc550cecbee','{"created":["orders"],"updated":[],"deleted":[],"found":{"orders":"881e0d90f4b4269ce58cf6c4053a5239bdd48aba51b46b3b9038b922de88afdf"}}');
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
INSERT INTO "glue_crawler" VALUES('123456789012/us-east-1','orders_crawler','{"Classifiers":[],"DatabaseName":"ddb_tables","Description":"Crawls the DynamoDB table orders; kept by glue-ddb-crawler","LakeFormationConfiguration":{"AccountId":"","UseLakeFormationCredentials":false},"LineageConfiguration":{"CrawlerLineageSettings":"DISABLE"},"RecrawlPolicy":{"RecrawlBehavior":"CRAWL_EVERYTHING"},"Role":"glue-ddb-crawler/orders_crawler_us-east-1","SchemaChangePolicy":{"DeleteBehavior":"DEPRECATE_IN_DATABASE","UpdateBehavior":"UPDATE_IN_DATABASE"},"TablePrefix":"","Targets":{"CatalogTargets":[],"DeltaTargets":[],"DynamoDBTargets":[{"Path":"orders","scanAll":true}],"HudiTargets":[],"IcebergTargets":[],"JdbcTargets":[],"MongoDBTargets":[],"S3Targets":[]}}','READY',1,1795637939499,1795637939499,NULL,0,NULL,'263459f3-7762-4eaf-8d2e-fe56cffd1458');
CREATE TABLE glue_database (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  input TEXT NOT NULL,              -- DatabaseInput as JSON, without the name
  created INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) STRICT;
INSERT INTO "glue_database" VALUES('123456789012/us-east-1','ddb_tables','{"Description":"DynamoDB tables, kept in step by glue-ddb-crawler","LocationUri":"dynamo-db-flag","Parameters":{"managed-by":"glue-ddb-crawler"}}',1795637939471);
CREATE TABLE glue_registry (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) STRICT;
INSERT INTO "glue_registry" VALUES('123456789012/us-east-1','glue-ddb-crawler','Schemas of DynamoDB tables',1795637939597,1795637939597);
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
INSERT INTO "glue_schema" VALUES('123456789012/us-east-1','glue-ddb-crawler','ddb_tables.orders','AVRO','BACKWARD','The items of a DynamoDB table, as its Glue table shows them',1,1,2,1795637939600,1795637939600);
CREATE TABLE glue_schema_metadata (
  version TEXT NOT NULL REFERENCES glue_schema_version ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (version, key, value)
) STRICT, WITHOUT ROWID;
INSERT INTO "glue_schema_metadata" VALUES('9db84a8e-c165-4d3a-8d10-f7fb67ed9c20','glueTable','ddb_tables.orders',1795637939606);
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
INSERT INTO "glue_schema_version" VALUES('9db84a8e-c165-4d3a-8d10-f7fb67ed9c20','123456789012/us-east-1','glue-ddb-crawler','ddb_tables.orders',1,'{"type":"record","name":"orders","namespace":"ddb_tables","fields":[{"name":"id","type":["null","string"],"default":null},{"name":"blobs","type":["null",{"type":"array","items":["null","bytes"]}],"default":null},{"name":"empty","type":["null",{"type":"map","values":["null","string"]}],"default":null},{"name":"list","type":["null",{"type":"array","items":["null","string"]}],"default":null},{"name":"map","type":["null",{"type":"record","name":"map","namespace":"ddb_tables.orders","fields":[{"name":"city","type":["null","string"],"default":null},{"name":"zip","type":["null","long"],"default":null}]}],"default":null},{"name":"n","type":["null",{"type":"bytes","logicalType":"decimal","precision":38,"scale":0}],"default":null},{"name":"none","type":["null","string"],"default":null},{"name":"ok","type":["null","boolean"],"default":null},{"name":"price","type":["null","double"],"default":null},{"name":"raw","type":["null","bytes"],"default":null},{"name":"sizes","type":["null",{"type":"array","items":["null","double"]}],"default":null},{"name":"tags","type":["null",{"type":"array","items":["null","string"]}],"default":null}]}','7a8a2e42cc8c684b6141362650301942dd951608c559f763670dcada95f1ef5d','AVAILABLE',1795637939600);
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
INSERT INTO "glue_table" VALUES('123456789012/us-east-1','ddb_tables','orders',2,'{"CreatedBy":"arn:aws:sts::123456789012:assumed-role/orders_crawler_us-east-1/AWS-Crawler","Owner":"owner","Parameters":{"CrawlerSchemaDeserializerVersion":"1.0","CrawlerSchemaSerializerVersion":"1.0","UPDATED_BY_CRAWLER":"glue-ddb-crawler","averageRecordSize":"34","classification":"dynamodb","dynamodb.column.mapping":"id:id,blobs:blobs,empty:empty,list:list,map:map,n:n,none:none,ok:ok,price:price,raw:raw,sizes:sizes,tags:tags","dynamodb.table.name":"orders","hashKey":"id","recordCount":"3","schemaFingerprint":"d48da48e37d81339","schemaName":"ddb_tables.orders","schemaRegistryName":"glue-ddb-crawler","schemaVersionId":"9db84a8e-c165-4d3a-8d10-f7fb67ed9c20","schemaVersionNumber":"1","shape":"FYzBDcIwEARv784SDx48KIBSEEoHVOAEC1kkthVbQsnL7VEGnXA89jOj2WG43fGBfPnoxjmPtSugcGEpbbuAiOMDonOs7QoIYEgWX0yxTrFtBvdYGEqExHwm0ZRTOIHz6wBX1jgF/mey+rcd17iH2o2wjbT5Z+2mwT8=","sizeKey":"104","sourceTable":"orders","typeOfData":"table"},"PartitionKeys":[],"Retention":0,"StorageDescriptor":{"BucketColumns":[],"Columns":[{"Comment":"","Name":"id","Parameters":{"attribute":"id","dynamodbTypes":"S","presence":"1.000"},"Type":"string"},{"Comment":"","Name":"blobs","Parameters":{"attribute":"blobs","dynamodbTypes":"BS","presence":"0.333"},"Type":"array<binary>"},{"Comment":"","Name":"empty","Parameters":{"attribute":"empty","dynamodbTypes":"M","presence":"0.333"},"Type":"map<string,string>"},{"Comment":"","Name":"list","Parameters":{"attribute":"list","dynamodbTypes":"L","presence":"0.333"},"Type":"array<string>"},{"Comment":"","Name":"map","Parameters":{"attribute":"map","dynamodbTypes":"M","presence":"0.333"},"Type":"struct<city:string,zip:bigint>"},{"Comment":"","Name":"n","Parameters":{"attribute":"n","dynamodbTypes":"N","presence":"0.667"},"Type":"decimal(38,0)"},{"Comment":"","Name":"none","Parameters":{"attribute":"none","dynamodbTypes":"NULL","presence":"0.333"},"Type":"string"},{"Comment":"","Name":"ok","Parameters":{"attribute":"ok","dynamodbTypes":"BOOL","presence":"0.333"},"Type":"boolean"},{"Comment":"","Name":"price","Parameters":{"attribute":"price","dynamodbTypes":"N","presence":"0.333"},"Type":"double"},{"Comment":"","Name":"raw","Parameters":{"attribute":"raw","dynamodbTypes":"B","presence":"0.333"},"Type":"binary"},{"Comment":"","Name":"sizes","Parameters":{"attribute":"sizes","dynamodbTypes":"NS","presence":"0.333"},"Type":"array<double>"},{"Comment":"","Name":"tags","Parameters":{"attribute":"tags","dynamodbTypes":"SS","presence":"0.333"},"Type":"array<string>"}],"Compressed":false,"InputFormat":"org.apache.hadoop.hive.dynamodb.read.HiveDynamoDBInputFormat","Location":"arn:aws:dynamodb:us-east-1:123456789012:table/orders","NumberOfBuckets":-1,"OutputFormat":"org.apache.hadoop.hive.dynamodb.write.HiveDynamoDBOutputFormat","Parameters":{"CrawlerSchemaDeserializerVersion":"1.0","CrawlerSchemaSerializerVersion":"1.0","UPDATED_BY_CRAWLER":"glue-ddb-crawler","averageRecordSize":"34","classification":"dynamodb","dynamodb.column.mapping":"id:id,blobs:blobs,empty:empty,list:list,map:map,n:n,none:none,ok:ok,price:price,raw:raw,sizes:sizes,tags:tags","dynamodb.table.name":"orders","hashKey":"id","recordCount":"3","schemaFingerprint":"d48da48e37d81339","schemaName":"ddb_tables.orders","schemaRegistryName":"glue-ddb-crawler","schemaVersionId":"9db84a8e-c165-4d3a-8d10-f7fb67ed9c20","schemaVersionNumber":"1","sizeKey":"104","sourceTable":"orders","typeOfData":"table"},"SerdeInfo":{"Parameters":{},"SerializationLibrary":"org.apache.hadoop.hive.dynamodb.DynamoDBSerDe"},"SortColumns":[],"StoredAsSubDirectories":false},"TableType":"EXTERNAL_TABLE"}',1795637939556,1795637948418);
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
CREATE TABLE glue_tag (
  scope TEXT NOT NULL,
  arn TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (scope, arn, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "glue_tag" VALUES('123456789012/us-east-1','arn:aws:glue:us-east-1:123456789012:crawler/orders_crawler','managed-by','glue-ddb-crawler');
INSERT INTO "glue_tag" VALUES('123456789012/us-east-1','arn:aws:glue:us-east-1:123456789012:registry/glue-ddb-crawler','managed-by','glue-ddb-crawler');
INSERT INTO "glue_tag" VALUES('123456789012/us-east-1','arn:aws:glue:us-east-1:123456789012:schema/glue-ddb-crawler/ddb_tables.orders','managed-by','glue-ddb-crawler');
CREATE TABLE iam_policy (
        name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
        arn TEXT NOT NULL UNIQUE,
        id TEXT NOT NULL,
        path TEXT NOT NULL,
        created INTEGER NOT NULL,
        description TEXT,
        document TEXT NOT NULL,
        tags TEXT NOT NULL              -- [[key, value], …] as JSON
    ) STRICT;
CREATE TABLE iam_role (
        name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
        id TEXT NOT NULL,
        path TEXT NOT NULL,
        created INTEGER NOT NULL,
        description TEXT,
        trust TEXT NOT NULL,
        max_session INTEGER NOT NULL,
        boundary TEXT
    ) STRICT;
INSERT INTO "iam_role" VALUES('orders_crawler_us-east-1','AROA86973B36C43F4DC4A','/glue-ddb-crawler/',1795637939482,'Lets AWS Glue crawl the DynamoDB table orders [policy e73e90f943de66e4]','{"Statement":[{"Action":"sts:AssumeRole","Condition":{"StringEqualsIfExists":{"aws:SourceAccount":"123456789012"}},"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"}}],"Version":"2012-10-17"}',3600,NULL);
CREATE TABLE iam_role_attachment (
        role TEXT NOT NULL COLLATE NOCASE REFERENCES iam_role ON DELETE CASCADE,
        arn TEXT NOT NULL,
        PRIMARY KEY (role, arn)
    ) STRICT;
CREATE TABLE iam_role_policy (
        role TEXT NOT NULL COLLATE NOCASE REFERENCES iam_role ON DELETE CASCADE,
        name TEXT NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (role, name)
    ) STRICT;
INSERT INTO "iam_role_policy" VALUES('orders_crawler_us-east-1','glue-ddb-crawler','{"Statement":[{"Action":["dynamodb:DescribeTable","dynamodb:Scan"],"Effect":"Allow","Resource":"arn:aws:dynamodb:us-east-1:123456789012:table/orders","Sid":"ReadTable"},{"Action":["kms:Decrypt"],"Condition":{"StringEquals":{"kms:EncryptionContext:aws:dynamodb:tableName":"orders"},"StringLike":{"kms:ViaService":"dynamodb.us-east-1.amazonaws.com*"}},"Effect":"Allow","Resource":"arn:aws:kms:us-east-1:123456789012:key/*","Sid":"DecryptTables"},{"Action":["glue:BatchCreatePartition","glue:BatchGetPartition","glue:CreatePartition","glue:CreateTable","glue:DeleteTable","glue:GetDatabase","glue:GetPartition","glue:GetPartitions","glue:GetTable","glue:GetTableVersion","glue:GetTableVersions","glue:GetTables","glue:UpdatePartition","glue:UpdateTable"],"Effect":"Allow","Resource":["arn:aws:glue:us-east-1:123456789012:catalog","arn:aws:glue:us-east-1:123456789012:database/ddb_tables","arn:aws:glue:us-east-1:123456789012:table/ddb_tables/*"],"Sid":"WriteCatalog"},{"Action":["glue:GetDatabases"],"Effect":"Allow","Resource":["arn:aws:glue:us-east-1:123456789012:catalog","arn:aws:glue:us-east-1:123456789012:database/*"],"Sid":"ListDatabases"},{"Action":["glue:GetSchemaVersion"],"Effect":"Allow","Resource":"*","Sid":"ReadLinkedSchemas"},{"Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":"arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/*","Sid":"WriteLog"}],"Version":"2012-10-17"}');
CREATE TABLE iam_role_tag (
        role TEXT NOT NULL COLLATE NOCASE REFERENCES iam_role ON DELETE CASCADE,
        key TEXT NOT NULL COLLATE NOCASE,
        value TEXT NOT NULL,
        PRIMARY KEY (role, key)
    ) STRICT;
INSERT INTO "iam_role_tag" VALUES('orders_crawler_us-east-1','managed-by','glue-ddb-crawler');
CREATE TABLE sts_session (
        access_key TEXT NOT NULL PRIMARY KEY,
        token TEXT NOT NULL,            -- SHA-256 of the session token
        role TEXT NOT NULL,
        role_id TEXT NOT NULL,
        session TEXT NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT;
INSERT INTO "sts_session" VALUES('ASIALOCAL0F2B53DB218','bc10aef85bc1fdcedf0cb56962e81aa73e71bcaaaedb502f23a64b4876cfb1d0','orders_crawler_us-east-1','AROA86973B36C43F4DC4A','AWS-Crawler',1795724339503);
CREATE INDEX glue_table_location ON glue_table (scope, database, json_extract(input, '$.StorageDescriptor.Location'));
CREATE UNIQUE INDEX glue_crawler_running ON glue_crawler (running) WHERE running IS NOT NULL;
CREATE INDEX glue_crawl_of ON glue_crawl (scope, crawler, number);
CREATE INDEX glue_schema_version_hash ON glue_schema_version (scope, registry, schema, hash);
CREATE INDEX glue_schema_version_pending
  ON glue_schema_version (scope, registry, schema) WHERE status = 'PENDING';
CREATE INDEX sts_session_expires ON sts_session (expires);
COMMIT;
PRAGMA user_version = 3;
