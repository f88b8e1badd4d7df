"""boto3 against `serve`: every service answers as AWS does, errors included. Each test makes what it needs."""

import base64
import json

import pytest

import settle
from conftest import ACCOUNT, REGION, SAMPLE_NAMES, SAMPLES, wait_for

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


@pytest.fixture(scope="module")
def glue(served):
    return served.client("glue")


@pytest.fixture(scope="module")
def iam(served):
    return served.client("iam")


@pytest.fixture(scope="module")
def dynamodb(served):
    return served.client("dynamodb")


@pytest.fixture
def database(glue, request):
    """A database named after the test."""
    name = request.node.name.split("[")[0]
    glue.create_database(DatabaseInput={"Name": name})
    return name


def table_input(name, columns=(("id", "string"),), **descriptor):
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "dynamodb"},
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": glue_type} for column, glue_type in columns],
            "Location": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}",
            **descriptor,
        },
    }


def crawler_role(iam, name, table):
    """A role that a crawler of one table needs; returns its ARN."""
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), Path="/service-role/")["Role"]
    statements = [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:DescribeTable", "dynamodb:Scan"],
            "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}",
        },
        {"Effect": "Allow", "Action": "glue:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=name, PolicyName="crawl", PolicyDocument=json.dumps(policy))
    return role["Arn"]


def finished(glue, crawler):
    """The crawler once it is READY again."""

    def ready():
        found = glue.get_crawler(Name=crawler)["Crawler"]
        return found if found["State"] == "READY" else None

    return wait_for(ready)


# ----------------------------------------------------------------------------------------- Glue: data catalog


def test_databases(glue):
    glue.create_database(DatabaseInput={"Name": "sales", "Description": "first"})
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": "sales"})
    glue.update_database(Name="sales", DatabaseInput={"Name": "sales", "LocationUri": "dynamo-db-flag"})
    found = glue.get_database(Name="sales")["Database"]
    assert (found["LocationUri"], found["CatalogId"], found.get("Description")) == ("dynamo-db-flag", ACCOUNT, None)
    names = [d["Name"] for page in glue.get_paginator("get_databases").paginate() for d in page["DatabaseList"]]
    assert "sales" in names
    glue.delete_database(Name="sales")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name="sales")


def test_tables_are_paged_and_filtered(glue, database):
    for number in range(7):
        glue.create_table(DatabaseName=database, TableInput=table_input(f"orders_{number}"))
    pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database, PaginationConfig={"PageSize": 3}))
    assert [len(page["TableList"]) for page in pages] == [3, 3, 1]
    assert sorted(t["Name"] for page in pages for t in page["TableList"]) == [f"orders_{n}" for n in range(7)]
    filtered = glue.get_tables(DatabaseName=database, Expression="orders_[12]")["TableList"]
    assert sorted(table["Name"] for table in filtered) == ["orders_1", "orders_2"]
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_table(DatabaseName=database, TableInput=table_input("orders_0"))
    failed = glue.batch_delete_table(DatabaseName=database, TablesToDelete=["orders_0", "orders_1", "nowhere"])[
        "Errors"
    ]
    assert [(e["TableName"], e["ErrorDetail"]["ErrorCode"]) for e in failed] == [("nowhere", "EntityNotFoundException")]
    glue.delete_table(DatabaseName=database, Name="orders_2")
    assert len(glue.get_tables(DatabaseName=database)["TableList"]) == 4
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table(DatabaseName=database, Name="orders_2")


def test_names_are_stored_in_lower_case(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("MixedCase"))
    assert glue.get_table(DatabaseName=database, Name="mixedcase")["Table"]["Name"] == "mixedcase"


def test_updates_make_versions_unless_told_not_to(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    first = glue.get_table(DatabaseName=database, Name="t")["Table"]["VersionId"]
    wider = table_input("t", [("id", "string"), ("total", "double")])
    glue.update_table(DatabaseName=database, TableInput=wider, VersionId=first)
    second = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert second["VersionId"] != first
    assert [c["Name"] for c in second["StorageDescriptor"]["Columns"]] == ["id", "total"]
    with pytest.raises(glue.exceptions.ConcurrentModificationException):
        glue.update_table(DatabaseName=database, TableInput=table_input("t"), VersionId=first)

    def version_columns():
        pages = glue.get_paginator("get_table_versions").paginate(DatabaseName=database, TableName="t")
        versions = [version for page in pages for version in page["TableVersions"]]
        return {v["VersionId"]: len(v["Table"]["StorageDescriptor"]["Columns"]) for v in versions}

    assert version_columns() == {first: 1, second["VersionId"]: 2}
    widest = table_input("t", [("id", "string"), ("total", "double"), ("note", "string")])
    glue.update_table(DatabaseName=database, TableInput=widest, SkipArchive=True)
    assert sorted(version_columns().values()) == [1, 3]
    old = glue.get_table_version(DatabaseName=database, TableName="t", VersionId=first)["TableVersion"]["Table"]
    assert [c["Name"] for c in old["StorageDescriptor"]["Columns"]] == ["id"]


@pytest.mark.parametrize(
    ("name", "columns", "error"),
    [
        ("t" * 256, [("id", "string")], "ValidationException"),
        ("t", [("c" * 256, "string")], "ValidationException"),
        ("t", [("id", "struct<" + "x" * 131_072 + ":string>")], "ValidationException"),
        ("t", [("id", "string"), ("id", "bigint")], "InvalidInputException"),
        ("t", [("id", "array<string")], "InvalidInputException"),
    ],
    ids=["long table name", "long column name", "long type", "duplicate column", "type without end"],
)
def test_what_aws_rejects_is_rejected(glue, name, columns, error):
    glue.create_database(DatabaseInput={"Name": "strict"})
    try:
        with pytest.raises(getattr(glue.exceptions, error)):
            glue.create_table(DatabaseName="strict", TableInput=table_input(name, columns))
        assert glue.get_tables(DatabaseName="strict")["TableList"] == []
    finally:
        glue.delete_database(Name="strict")


def test_regions_are_apart(served, glue, database):
    elsewhere = served.client("glue", region="eu-central-1")
    with pytest.raises(elsewhere.exceptions.EntityNotFoundException):
        elsewhere.get_database(Name=database)
    described = served.client("dynamodb", region="eu-central-1").describe_table(TableName="Airports")["Table"]
    assert described["TableArn"] == f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/Airports"


# --------------------------------------------------------------------------------------------- Glue: crawlers


def test_a_crawler_really_crawls(glue, iam, database):
    role = crawler_role(iam, "crawls", "OnlineShop")
    glue.create_crawler(
        Name="shop",
        Role=role,
        DatabaseName=database,
        Targets={"DynamoDBTargets": [{"Path": "OnlineShop"}]},
        TablePrefix="raw_",
    )
    created = glue.get_crawler(Name="shop")["Crawler"]
    assert (created["State"], created["Version"], "LastCrawl" in created) == ("READY", 1, False)
    glue.start_crawler(Name="shop")
    ended = finished(glue, "shop")
    assert ended["LastCrawl"]["Status"] == "SUCCEEDED", ended["LastCrawl"]

    (crawl,) = glue.list_crawls(CrawlerName="shop")["Crawls"]
    assert crawl["State"] == "COMPLETED"
    assert crawl["EndTime"] >= crawl["StartTime"]
    (metrics,) = glue.get_crawler_metrics(CrawlerNameList=["shop"])["CrawlerMetricsList"]
    assert (metrics["TablesCreated"], metrics["TablesUpdated"], metrics["TablesDeleted"]) == (1, 0, 0)
    assert metrics["LastRuntimeSeconds"] > 0

    table = glue.get_table(DatabaseName=database, Name="raw_onlineshop")["Table"]
    _, items = settle.read_table(SAMPLES, "OnlineShop")
    columns = {c["Name"]: c["Type"] for c in table["StorageDescriptor"]["Columns"]}
    assert sorted(columns) == sorted({settle.crawler_name(attribute) for item in items for attribute in item})
    # In AWS's words, which the program completes: sets, structs without fields, no spelling.
    sets = {settle.crawler_name(name) for item in items for name, value in item.items() if "SS" in value}
    assert sets
    assert {columns[name] for name in sets} == {"set<string>"}
    assert "columnMapping" not in table["Parameters"]
    assert table["Parameters"]["classification"] == "dynamodb"
    assert table["Parameters"]["UPDATED_BY_CRAWLER"] == "shop"


def test_a_running_crawler_is_busy(glue, iam, database):
    role = crawler_role(iam, "busy", "Airports")
    glue.create_crawler(
        Name="airports", Role=role, DatabaseName=database, Targets={"DynamoDBTargets": [{"Path": "Airports"}]}
    )
    glue.start_crawler(Name="airports")
    with pytest.raises(glue.exceptions.CrawlerRunningException):
        glue.start_crawler(Name="airports")
    assert finished(glue, "airports")["LastCrawl"]["Status"] == "SUCCEEDED"
    with pytest.raises(glue.exceptions.CrawlerNotRunningException):
        glue.stop_crawler(Name="airports")


def test_a_crawler_whose_role_lacks_the_table_fails(glue, iam, database):
    role = crawler_role(iam, "elsewhere", "ProductCatalog")
    glue.create_crawler(
        Name="denied", Role=role, DatabaseName=database, Targets={"DynamoDBTargets": [{"Path": "OnlineShop"}]}
    )
    glue.start_crawler(Name="denied")
    last = finished(glue, "denied")["LastCrawl"]
    assert last["Status"] == "FAILED"
    assert "elsewhere" in last["ErrorMessage"] or "OnlineShop" in last["ErrorMessage"]
    assert glue.list_crawls(CrawlerName="denied")["Crawls"][0]["State"] == "FAILED"
    assert glue.get_tables(DatabaseName=database)["TableList"] == []


def test_crawlers_are_kept_as_they_are_given(glue, iam, database):
    role = crawler_role(iam, "keeper", "OnlineShop")
    definition = {
        "Role": role,
        "DatabaseName": database,
        "Targets": {"DynamoDBTargets": [{"Path": "OnlineShop", "scanAll": False, "scanRate": 0.5}]},
        "SchemaChangePolicy": {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"},
    }
    glue.create_crawler(Name="kept", Tags={"team": "shop"}, **definition)
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_crawler(Name="kept", **definition)
    found = glue.get_crawler(Name="kept")["Crawler"]
    assert found["Targets"]["DynamoDBTargets"] == definition["Targets"]["DynamoDBTargets"]
    assert found["SchemaChangePolicy"] == definition["SchemaChangePolicy"]

    glue.update_crawler(Name="kept", Description="nightly")
    updated = glue.get_crawler(Name="kept")["Crawler"]
    assert (updated["Description"], updated["Version"], updated["DatabaseName"]) == ("nightly", 2, database)

    assert glue.list_crawlers(Tags={"team": "shop"})["CrawlerNames"] == ["kept"]
    batch = glue.batch_get_crawlers(CrawlerNames=["kept", "nobody"])
    assert ([c["Name"] for c in batch["Crawlers"]], batch["CrawlersNotFound"]) == (["kept"], ["nobody"])

    glue.delete_crawler(Name="kept")
    for call in (glue.get_crawler, glue.start_crawler, glue.delete_crawler):
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            call(Name="kept")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"Role": "arn:aws:iam::123456789012:role/nobody"}, "InvalidInputException"),
        ({"Targets": {"DynamoDBTargets": [{"Path": "OnlineShop", "scanRate": 2.0}]}}, "InvalidInputException"),
        ({"Name": "n" * 256}, "ValidationException"),
    ],
    ids=["role that isn't there", "scan rate over 1.5", "long name"],
)
def test_crawlers_that_aws_rejects_are_rejected(glue, iam, changed, error, request):
    crawler = {
        "Name": "rejected",
        "Role": crawler_role(iam, f"rejected-{request.node.callspec.indices['changed']}", "OnlineShop"),
        "DatabaseName": "default",
        "Targets": {"DynamoDBTargets": [{"Path": "OnlineShop"}]},
    }
    with pytest.raises(getattr(glue.exceptions, error)):
        glue.create_crawler(**{**crawler, **changed})
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_crawler(Name="rejected")


def test_tags(glue, iam, database):
    role = crawler_role(iam, "tagged", "OnlineShop")
    glue.create_crawler(
        Name="tagged",
        Role=role,
        DatabaseName=database,
        Targets={"DynamoDBTargets": [{"Path": "OnlineShop"}]},
        Tags={"a": "1"},
    )
    arn = f"arn:aws:glue:{REGION}:{ACCOUNT}:crawler/tagged"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"b": "2", "c": "3"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["a", "c"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"b": "2"}


# -------------------------------------------------------------------------------------- Glue: Schema Registry


def avro(*fields):
    return json.dumps({"type": "record", "name": "Order", "fields": list(fields)})


ID = {"name": "id", "type": "string"}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
REQUIRED = {"name": "total", "type": "double"}


def settled_status(glue, version_id):
    def status():
        found = glue.get_schema_version(SchemaVersionId=version_id)["Status"]
        return None if found == "PENDING" else found

    return wait_for(status)


def test_schema_registry_round_trip(glue):
    glue.create_registry(RegistryName="shop")
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_registry(RegistryName="shop")
    schema = {"RegistryName": "shop", "SchemaName": "orders"}
    created = glue.create_schema(
        RegistryId={"RegistryName": "shop"},
        SchemaName="orders",
        DataFormat="AVRO",
        Compatibility="BACKWARD",
        SchemaDefinition=avro(ID),
    )
    assert settled_status(glue, created["SchemaVersionId"]) == "AVAILABLE"
    again = glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(ID))
    assert again["SchemaVersionId"] == created["SchemaVersionId"]

    second = glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(ID, NOTE))
    assert second["VersionNumber"] == 2
    assert settled_status(glue, second["SchemaVersionId"]) == "AVAILABLE"
    # A reader of this one could not read what the others wrote: no default.
    refused = glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(ID, NOTE, REQUIRED))
    assert settled_status(glue, refused["SchemaVersionId"]) == "FAILURE"

    latest = glue.get_schema_version(SchemaId=schema, SchemaVersionNumber={"LatestVersion": True})
    assert (latest["SchemaVersionId"], latest["VersionNumber"]) == (second["SchemaVersionId"], 2)
    assert json.loads(latest["SchemaDefinition"]) == json.loads(avro(ID, NOTE))
    found = glue.get_schema_by_definition(SchemaId=schema, SchemaDefinition=avro(ID))
    assert found["SchemaVersionId"] == created["SchemaVersionId"]
    versions = glue.get_paginator("list_schema_versions").paginate(SchemaId=schema)
    available = [v["VersionNumber"] for page in versions for v in page["Schemas"] if v["Status"] == "AVAILABLE"]
    assert sorted(available) == [1, 2]

    described = glue.get_schema(SchemaId=schema)
    assert (described["Compatibility"], described["LatestSchemaVersion"]) == ("BACKWARD", 2)
    assert glue.check_schema_version_validity(DataFormat="AVRO", SchemaDefinition=avro(ID))["Valid"] is True
    assert glue.check_schema_version_validity(DataFormat="AVRO", SchemaDefinition='{"type": "recor"}')["Valid"] is False
    with pytest.raises(glue.exceptions.InvalidInputException):
        glue.register_schema_version(SchemaId=schema, SchemaDefinition='{"type": "recor"}')
    glue.delete_schema(SchemaId=schema)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_schema_version(SchemaId=schema, SchemaVersionNumber={"LatestVersion": True})


def test_a_table_takes_its_columns_from_the_registry(glue, database):
    fields = [
        ID,
        {"name": "quantity", "type": ["null", "long"], "default": None},
        {"name": "total", "type": ["null", "double"], "default": None},
        {"name": "tags", "type": ["null", {"type": "array", "items": "string"}], "default": None},
        {"name": "stock", "type": ["null", {"type": "map", "values": "long"}], "default": None},
    ]
    glue.create_registry(RegistryName="linked")
    version = glue.create_schema(
        RegistryId={"RegistryName": "linked"},
        SchemaName="orders",
        DataFormat="AVRO",
        Compatibility="NONE",
        SchemaDefinition=avro(*fields),
    )["SchemaVersionId"]
    by_id = {"SchemaVersionId": version}
    by_name = {"SchemaId": {"RegistryName": "linked", "SchemaName": "orders"}, "SchemaVersionNumber": 1}
    for name, reference in (("by_id", by_id), ("by_name", by_name)):
        glue.create_table(DatabaseName=database, TableInput=table_input(name, (), SchemaReference=reference))
        descriptor = glue.get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]
        assert [(c["Name"], c["Type"]) for c in descriptor["Columns"]] == [
            ("id", "string"),
            ("quantity", "bigint"),
            ("total", "double"),
            ("tags", "array<string>"),
            ("stock", "map<string,bigint>"),
        ]
        assert descriptor["SchemaReference"] == reference
    unnumbered = {"SchemaId": by_name["SchemaId"]}
    with pytest.raises(glue.exceptions.InvalidInputException):
        glue.create_table(DatabaseName=database, TableInput=table_input("latest", (), SchemaReference=unnumbered))


# -------------------------------------------------------------------------------------------------- DynamoDB


def test_tables_are_listed_and_described(dynamodb):
    pages = list(dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["TableNames"]) for page in pages] == [3, 3, 2]
    assert sorted(name for page in pages for name in page["TableNames"]) == SAMPLE_NAMES
    for name in SAMPLE_NAMES:
        request, items = settle.read_table(SAMPLES, name)
        described = dynamodb.describe_table(TableName=name)["Table"]
        assert described["TableArn"] == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
        assert (described["TableStatus"], described["ItemCount"]) == ("ACTIVE", len(items))
        assert described["KeySchema"] == request["KeySchema"]
        assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.describe_table(TableName="Nowhere")


def as_stored(value):
    """What boto3 gives back, in the JSON of the files: bytes in base64, sets in a fixed order."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: sorted(map(as_stored, v)) if k in settle.SETS else as_stored(v) for k, v in value.items()}
    return [as_stored(v) for v in value] if isinstance(value, list) else value


def canonical(items):
    return sorted(json.dumps(as_stored(item), sort_keys=True) for item in items)


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_parallel_scan_gives_every_item_once(dynamodb, name):
    scanned = []
    for segment in range(4):
        for page in dynamodb.get_paginator("scan").paginate(TableName=name, Segment=segment, TotalSegments=4):
            scanned += page["Items"]
    assert canonical(scanned) == canonical(settle.read_items(SAMPLES, name))


@pytest.mark.parametrize(("name", "pages"), [("Airports", 3), ("web-platform-features", 3), ("OnlineShop", 1)])
def test_a_page_ends_after_a_megabyte(dynamodb, name, pages):
    """A megabyte as DynamoDB measures items: 2.3 MB of airports are 4.9 MB of JSON."""
    assert len(list(dynamodb.get_paginator("scan").paginate(TableName=name))) == pages


def test_scan_limits(dynamodb):
    page = dynamodb.scan(TableName="Airports", Limit=10, ReturnConsumedCapacity="TOTAL")
    assert (len(page["Items"]), page["Count"], page["ScannedCount"]) == (10, 10, 10)
    assert set(page["LastEvaluatedKey"]) == {"icao"}
    assert page["ConsumedCapacity"]["CapacityUnits"] == 0.5
    after = dynamodb.scan(TableName="Airports", Limit=10, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert not {i["icao"]["S"] for i in page["Items"]} & {i["icao"]["S"] for i in after["Items"]}
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.scan(TableName="Nowhere")


# ----------------------------------------------------------------------------------------------- IAM and STS


def test_roles(iam):
    path = "/glue-ddb-crawler/"
    role = {"RoleName": "reader", "AssumeRolePolicyDocument": json.dumps(TRUST), "Path": path}
    created = iam.create_role(**role, Tags=[{"Key": "managed-by", "Value": "someone"}])["Role"]
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:role{path}reader"
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(**role)
    found = iam.get_role(RoleName="reader")["Role"]
    assert found["AssumeRolePolicyDocument"] == TRUST
    listed = iam.get_paginator("list_roles").paginate(PathPrefix=path)
    assert [r["RoleName"] for page in listed for r in page["Roles"]] == ["reader"]

    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "*"}]}
    iam.put_role_policy(RoleName="reader", PolicyName="scan", PolicyDocument=json.dumps(policy))
    assert iam.list_role_policies(RoleName="reader")["PolicyNames"] == ["scan"]
    assert iam.get_role_policy(RoleName="reader", PolicyName="scan")["PolicyDocument"] == policy
    iam.tag_role(RoleName="reader", Tags=[{"Key": "team", "Value": "shop"}])
    tags = {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName="reader")["Tags"]}
    assert tags == {"managed-by": "someone", "team": "shop"}

    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_role(RoleName="reader")
    iam.delete_role_policy(RoleName="reader", PolicyName="scan")
    iam.delete_role(RoleName="reader")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="reader")


def test_caller_identity(served):
    identity = served.client("sts").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"].startswith(f"arn:aws:iam::{ACCOUNT}:") or identity["Arn"].startswith(
        f"arn:aws:sts::{ACCOUNT}:"
    )
