"""The AWS CLI against a synced endpoint."""

import json

import settle
from conftest import ACCOUNT, DATABASE, REGION, SAMPLE_NAMES

CATALOG_NAMES = sorted(settle.catalog_table_name(name) for name in SAMPLE_NAMES)
CRAWLERS = sorted(f"{name}_crawler" for name in SAMPLE_NAMES)


def test_get_tables(aws, synced):
    tables = aws(synced, "glue", "get-tables", "--database-name", DATABASE)["TableList"]
    assert sorted(table["Name"] for table in tables) == CATALOG_NAMES
    paged = aws(synced, "glue", "get-tables", "--database-name", DATABASE, "--page-size", "2")["TableList"]
    assert paged == tables
    query = "TableList[?Parameters.classification=='dynamodb'] | length(@)"
    assert aws(synced, "glue", "get-tables", "--database-name", DATABASE, "--query", query) == len(SAMPLE_NAMES)


def test_get_crawlers(aws, synced):
    crawlers = aws(synced, "glue", "get-crawlers")["Crawlers"]
    assert sorted(crawler["Name"] for crawler in crawlers) == CRAWLERS
    assert {crawler["LastCrawl"]["Status"] for crawler in crawlers} == {"SUCCEEDED"}
    owned = aws(synced, "glue", "list-crawlers", "--tags", "managed-by=glue-ddb-crawler")["CrawlerNames"]
    assert sorted(owned) == CRAWLERS
    assert aws(synced, "glue", "list-crawlers", "--tags", "managed-by=someone")["CrawlerNames"] == []


def test_schemas(aws, synced):
    schemas = aws(synced, "glue", "list-schemas", "--registry-id", "RegistryName=glue-ddb-crawler")["Schemas"]
    assert sorted(schema["SchemaName"] for schema in schemas) == [f"{DATABASE}.{name}" for name in CATALOG_NAMES]
    schema_id = f"RegistryName=glue-ddb-crawler,SchemaName={DATABASE}.onlineshop"
    version = aws(
        synced, "glue", "get-schema-version", "--schema-id", schema_id, "--schema-version-number", "LatestVersion=true"
    )
    assert version["Status"] == "AVAILABLE"
    assert json.loads(version["SchemaDefinition"])["type"] == "record"
    by_id = aws(synced, "glue", "get-schema-version", "--schema-version-id", version["SchemaVersionId"])
    assert by_id == version


def test_dynamodb(aws, synced):
    assert sorted(aws(synced, "dynamodb", "list-tables")["TableNames"]) == SAMPLE_NAMES
    scanned = aws(synced, "dynamodb", "scan", "--table-name", "ProductCatalog", "--select", "COUNT")
    assert scanned["Count"] == 130


def test_roles(aws, synced):
    roles = aws(synced, "iam", "list-roles", "--path-prefix", "/glue-ddb-crawler/")["Roles"]
    assert sorted(role["RoleName"] for role in roles) == sorted(f"{name}_crawler_{REGION}" for name in SAMPLE_NAMES)
    assert {role["Arn"].split(":")[4] for role in roles} == {ACCOUNT}


def test_caller_identity(aws, synced):
    assert aws(synced, "sts", "get-caller-identity")["Account"] == ACCOUNT
