"""`sync` as a user runs it against the served endpoint; what it made is read back with boto3.

The expected columns come from settle.py, which has only the documented rules in common with the product.
"""

import json
import re
import shutil

import pytest

import settle
from conftest import ACCOUNT, DATABASE, REGION, SAMPLE_NAMES, SAMPLES, serving

REGISTRY = "glue-ddb-crawler"


@pytest.fixture(scope="module")
def samples():
    """Name -> (CreateTable request, items, expected columns after a completed crawl)."""
    read = {name: settle.read_table(SAMPLES, name) for name in SAMPLE_NAMES}
    expected = {name: settle.columns(*both, crawler=True) for name, both in read.items()}
    return {name: (*both, expected[name]) for name, both in read.items()}


def catalog_table(endpoint, name):
    glue = endpoint.client("glue")
    return glue.get_table(DatabaseName=DATABASE, Name=settle.catalog_table_name(name))["Table"]


def columns_of(table):
    return [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]]


def attributes_of(table):
    return [c["Parameters"]["attribute"] for c in table["StorageDescriptor"]["Columns"]]


def all_pages(client, operation, result, **arguments):
    return [entry for page in client.get_paginator(operation).paginate(**arguments) for entry in page[result]]


# ------------------------------------------------------------------------------------------------ the catalog


def test_every_table_and_no_other_is_in_the_catalog(synced):
    glue = synced.client("glue")
    assert "dynamo-db-flag" in glue.get_database(Name=DATABASE)["Database"]["LocationUri"]
    names = [table["Name"] for table in all_pages(glue, "get_tables", "TableList", DatabaseName=DATABASE)]
    assert sorted(names) == sorted(settle.catalog_table_name(name) for name in SAMPLE_NAMES)


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_columns_are_what_the_rules_say(synced, samples, name):
    _, items, expected = samples[name]
    columns = settle.certain(columns_of(catalog_table(synced, name)), expected, items)
    assert columns == [(column, glue_type) for column, glue_type, _ in expected]


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_tables_say_what_readers_need(synced, samples, name):
    request, items, expected = samples[name]
    table = catalog_table(synced, name)
    descriptor, parameters = table["StorageDescriptor"], table["Parameters"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert descriptor["Location"] == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    assert table.get("PartitionKeys", []) == []

    keys = [key["AttributeName"] for key in request["KeySchema"]]
    certain = {
        "classification": "dynamodb",
        "typeOfData": "table",
        "sourceTable": name,
        "hashKey": keys[0],
        "recordCount": str(len(items)),
        "UPDATED_BY_CRAWLER": f"{name}_crawler",
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
    }
    assert {key: parameters.get(key) for key in certain} == certain
    assert parameters.get("rangeKey") == (keys[1] if len(keys) > 1 else None)
    assert int(parameters["sizeKey"]) > 0 or not items
    if items:
        assert int(parameters["averageRecordSize"]) == pytest.approx(int(parameters["sizeKey"]) / len(items), abs=1)
    renamed = [(column, attribute) for column, _, attribute in expected if column != attribute]
    mapping = [tuple(pair.split("=")) for pair in parameters.get("columnMapping", "").split(",") if pair]
    assert sorted(settle.certain(mapping, expected, items)) == sorted(renamed)
    assert {k: v for k, v in descriptor["Parameters"].items() if not k.startswith("schema")} == {
        k: v for k, v in parameters.items() if not k.startswith("schema")
    }


# --------------------------------------------------------------------------------------- the Schema Registry


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_tables_are_linked_to_a_schema_version(synced, name):
    table = catalog_table(synced, name)
    schema = f"{DATABASE}.{settle.catalog_table_name(name)}"
    parameters = table["Parameters"]
    version_id = parameters["schemaVersionId"]
    certain = {"schemaRegistryName": REGISTRY, "schemaName": schema, "schemaVersionNumber": "1"}
    assert {key: parameters.get(key) for key in certain} == certain

    version = synced.client("glue").get_schema_version(SchemaVersionId=version_id)
    assert (version["Status"], version["VersionNumber"], version["DataFormat"]) == ("AVAILABLE", 1, "AVRO")
    assert version["SchemaArn"] == f"arn:aws:glue:{REGION}:{ACCOUNT}:schema/{REGISTRY}/{schema}"
    record = json.loads(version["SchemaDefinition"])
    assert record["type"] == "record"
    assert len(record["fields"]) == len(columns_of(table))
    for field, (column, _) in zip(record["fields"], columns_of(table), strict=True):
        assert field["name"] == (f"_{column}" if column[0].isdigit() else column)
    assert all(field["type"][0] == "null" and field["default"] is None for field in record["fields"])

    # The columns stay in the table, and the version names the table it is of.
    assert "SchemaReference" not in table["StorageDescriptor"]
    metadata = synced.client("glue").query_schema_version_metadata(SchemaVersionId=version_id)["MetadataInfoMap"]
    assert metadata["glueTable"]["MetadataValue"] == schema


# --------------------------------------------------------------------------------------- crawlers and roles


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_crawlers_and_roles(synced, name):
    glue, iam = synced.client("glue"), synced.client("iam")
    crawler = glue.get_crawler(Name=f"{name}_crawler")["Crawler"]
    assert (crawler["State"], crawler["LastCrawl"]["Status"]) == ("READY", "SUCCEEDED")
    assert crawler["DatabaseName"] == DATABASE
    assert [target["Path"] for target in crawler["Targets"]["DynamoDBTargets"]] == [name]
    arn = f"arn:aws:glue:{REGION}:{ACCOUNT}:crawler/{name}_crawler"
    assert glue.get_tags(ResourceArn=arn)["Tags"]["managed-by"] == "glue-ddb-crawler"

    role = iam.get_role(RoleName=f"{name}_crawler_{REGION}")["Role"]
    assert role["Path"] == "/glue-ddb-crawler/"
    assert crawler["Role"] in (role["Arn"], role["RoleName"], f"glue-ddb-crawler/{role['RoleName']}")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "glue.amazonaws.com"}
    assert trust["Condition"]["StringEqualsIfExists"]["aws:SourceAccount"] == ACCOUNT
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []
    statements = []
    for policy in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=policy)["PolicyDocument"]
        statements += document["Statement"]
    reads = [statement for statement in statements if "dynamodb" in json.dumps(statement["Action"])]
    assert [(sorted(s["Action"]), s["Resource"]) for s in reads] == [
        (["dynamodb:DescribeTable", "dynamodb:Scan"], f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
    ]


# ----------------------------------------------------------------------------------------- runs, one by one


def everything(endpoint):
    """What a run may have written: tables with their versions, schema versions, crawlers, roles."""
    glue, iam = endpoint.client("glue"), endpoint.client("iam")
    tables = all_pages(glue, "get_tables", "TableList", DatabaseName=DATABASE)
    schemas = all_pages(glue, "list_schemas", "Schemas", RegistryId={"RegistryName": REGISTRY})
    return {
        "tables": {t["Name"]: (t["VersionId"], t["UpdateTime"], t["Parameters"]) for t in tables},
        "table versions": {
            t["Name"]: len(
                all_pages(glue, "get_table_versions", "TableVersions", DatabaseName=DATABASE, TableName=t["Name"])
            )
            for t in tables
        },
        "schema versions": {
            s["SchemaName"]: len(
                all_pages(glue, "list_schema_versions", "Schemas", SchemaId={"SchemaArn": s["SchemaArn"]})
            )
            for s in schemas
        },
        "crawlers": {c["Name"]: c["Version"] for c in all_pages(glue, "get_crawlers", "Crawlers")},
        "roles": {r["RoleName"]: r["RoleId"] for r in all_pages(iam, "list_roles", "Roles")},
    }


def test_the_first_run_reports_what_it_did(first_report):
    assert [table["table"] for table in first_report["tables"]] == SAMPLE_NAMES
    counts = {"tables": 8, "crawled": 8, "changed": 8, "linked": 8, "deferred": 0, "failed": 0, "started": 0}
    assert first_report["summary"] == counts


def test_a_second_run_puts_back_what_its_crawls_took_away(synced, program):
    """A crawl of Glue writes its table again; after the link step the table is as it was."""
    before = everything(synced)
    assert before["schema versions"] == {f"{DATABASE}.{settle.catalog_table_name(name)}": 1 for name in SAMPLE_NAMES}
    report = program.json("sync", "--wait", "--output", "json", endpoint=synced)
    after = everything(synced)
    for what in ("crawlers", "roles", "schema versions"):
        assert after[what] == before[what], what
    assert {n: p for n, (_, _, p) in after["tables"].items()} == {n: p for n, (_, _, p) in before["tables"].items()}
    # The crawl's own update keeps the version before it; the one that completes it keeps none.
    assert after["table versions"] == {name: count + 1 for name, count in before["table versions"].items()}
    assert {tuple(table["actions"]) for table in report["tables"]} == {("start_crawler", "link_schema")}
    # A check finds no change to make.
    program.run("sync", "--check", endpoint=synced)


def test_a_second_run_writes_nothing_where_crawls_do_not(binary, program, tmp_path):
    """A crawl may leave a table alone in which it finds nothing new: AWS does not say."""
    with serving(binary, tmp_path, "--tables", SAMPLES, "--unknown", "crawl-rewrites=no") as endpoint:
        program.run("sync", "--wait", endpoint=endpoint)
        before = everything(endpoint)
        report = program.json("sync", "--wait", "--output", "json", endpoint=endpoint)
        assert everything(endpoint) == before
        assert (report["summary"]["crawled"], report["summary"]["changed"]) == (8, 0)


def test_no_value_of_an_item_is_told(synced, program):
    done = program.run("sync", "--wait", "-vv", endpoint=synced)
    told = done.stdout + done.stderr
    for value in ("@example.com", "203.0.113.", "Rovaniemi", "Station Road", "PK=", "CUSTOMER#"):
        assert value not in told


def test_a_dry_run_writes_nothing(binary, program, tmp_path):
    with serving(binary, tmp_path, "--tables", SAMPLES) as endpoint:
        plan = program.run("sync", "--dry-run", endpoint=endpoint).stdout
        assert all(name in plan for name in SAMPLE_NAMES)
        program.run("sync", "--check", endpoint=endpoint, exit_code=3)
        glue, iam = endpoint.client("glue"), endpoint.client("iam")
        assert DATABASE not in [d["Name"] for d in all_pages(glue, "get_databases", "DatabaseList")]
        assert glue.list_crawlers()["CrawlerNames"] == []
        assert all_pages(iam, "list_roles", "Roles", PathPrefix="/glue-ddb-crawler/") == []


def test_the_native_engine_gives_the_columns_of_the_rules(binary, program, synced, samples, tmp_path):
    with serving(binary, tmp_path, "--tables", SAMPLES) as endpoint:
        program.run("sync", "--engine", "native", "--wait", endpoint=endpoint)
        for name in SAMPLE_NAMES:
            request, items, _ = samples[name]
            native, managed = catalog_table(endpoint, name), catalog_table(synced, name)
            expected = settle.columns(request, items)
            assert columns_of(native) == [(column, glue_type) for column, glue_type, _ in expected]
            assert attributes_of(native) == [attribute for _, _, attribute in expected]
            for parameter in ("sourceTable", "hashKey", "rangeKey", "recordCount", "schemaName"):
                assert native["Parameters"].get(parameter) == managed["Parameters"].get(parameter)
        before = everything(endpoint)
        program.run("sync", "--engine", "native", "--wait", endpoint=endpoint)
        assert everything(endpoint) == before
        assert endpoint.client("glue").list_crawlers()["CrawlerNames"] == []


def test_changed_and_vanished_tables(binary, program, tmp_path):
    """A restart in between: the catalog is still there, and the table files are read anew."""
    tables = tmp_path / "tables"
    tables.mkdir()
    for name in ("ProductCatalog", "Payments-DeadLetters", "OnlineShop"):
        for path in SAMPLES.glob(f"{name}.json*"):
            shutil.copy(path, tables)
    with serving(binary, tmp_path / "server", "--tables", tables) as endpoint:
        program.run("sync", "--wait", endpoint=endpoint)
        before = everything(endpoint)

    # InStock was a boolean everywhere, Warranty is new; the shop is closed.
    changed = {"ProductId": {"N": "1"}, "InStock": {"S": "soon"}, "Warranty": {"M": {"years": {"N": "2"}}}}
    with open(tables / "ProductCatalog.jsonl", "a") as file:
        file.write(json.dumps(changed) + "\n")
    for path in tables.glob("OnlineShop.*"):
        path.unlink()
    with serving(binary, tmp_path / "server", "--tables", tables) as endpoint:
        assert everything(endpoint) == before
        program.run("sync", "--wait", endpoint=endpoint)
        after = everything(endpoint)
        table = catalog_table(endpoint, "ProductCatalog")
        linked = endpoint.client("glue").get_schema_version(SchemaVersionId=table["Parameters"]["schemaVersionId"])
        vanished = catalog_table(endpoint, "OnlineShop")

    expected = settle.columns(*settle.read_table(tables, "ProductCatalog"), crawler=True)
    assert columns_of(table) == [(column, glue_type) for column, glue_type, _ in expected]
    assert {("instock", "string"), ("warranty", "struct<years:bigint>")} <= set(columns_of(table))
    assert after["table versions"]["productcatalog"] > before["table versions"]["productcatalog"]
    # Boolean to string is no change that Avro calls compatible. Whatever became of the registration, a table may only
    # be linked to a version that is there to be used.
    assert linked["Status"] == "AVAILABLE"

    assert re.fullmatch(r"1\d{12}", vanished["Parameters"]["DEPRECATED_BY_CRAWLER"]), "epoch milliseconds"
    assert columns_of(vanished), "readers still find the columns"
    empty = settle.catalog_table_name("Payments-DeadLetters")
    assert after["tables"][empty][2] == before["tables"][empty][2]
    assert after["schema versions"][f"{DATABASE}.{empty}"] == 1


# ----------------------------------------------------------------------------------------------------- infer


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_infer_says_the_same_of_a_file(program, samples, name):
    request, items, _ = samples[name]
    (path,) = SAMPLES.glob(f"{name}.jsonl*")
    inferred = program.json("infer", path, "--format", "glue")
    assert inferred["items"] == len(items)
    assert [(c["name"], c["type"], c["attribute"]) for c in inferred["columns"]] == settle.columns(request, items)
