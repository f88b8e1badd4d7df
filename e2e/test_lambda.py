"""The installed function at work: invoked by hand, by its schedule and by the ends of crawls.

Its real `bootstrap` runs in MiniStack, with the credentials of its role: DynamoDB, IAM and STS are MiniStack's, with
policies enforced; Glue is `serve`, whose crawlers look their roles up in MiniStack, and read its tables as far as these
allow.
"""

import json
import re

import pytest

import settle
from conftest import ACCOUNT, DATABASE, REGION, wait_for
from stack import FUNCTION, REQUEST, SECRET, TABLES, actions_of, catalogued, create_table, lines, role_of, run

REGISTRY = "glue-ddb-crawler"


def is_ready(account, table):
    crawler = account.client("glue").get_crawler(Name=f"{table}_crawler")["Crawler"]
    return crawler["State"] == "READY" and crawler.get("LastCrawl")


# ------------------------------------------------------------------------------------------------ by hand


def test_report(first_run):
    summary = first_run["summary"]
    assert {name: line.get("reason") for name, line in lines(first_run).items()} == dict.fromkeys(TABLES)
    assert list(first_run)[0] == "summary"
    assert (summary["tables"], summary["crawled"], summary["linked"]) == (len(TABLES),) * 3
    assert (summary["failed"], summary["deferred"]) == (0, 0)
    assert sorted(lines(first_run)) == sorted(TABLES)
    assert (first_run["account"], first_run["region"], first_run["database"]) == (ACCOUNT, REGION, DATABASE)


@pytest.mark.parametrize("name", TABLES)
def test_role(account, stack, first_run, name):
    iam, role = account.client("iam"), role_of(account, name)
    found = iam.get_role(RoleName=role)["Role"]
    assert (found["Path"], len(role) <= 64) == ("/glue-ddb-crawler/", True)
    assert role.endswith(f"_crawler_{REGION}")
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == stack.resources["Boundary"]
    assert found["Tags"] == [{"Key": "managed-by", "Value": "glue-ddb-crawler"}]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    statements = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]
    readable = [s["Resource"] for s in statements if "dynamodb:Scan" in actions_of(s)]
    assert readable == [f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


@pytest.mark.parametrize("name", TABLES)
def test_catalog_table(account, first_run, name):
    table = catalogued(account)[name]
    request = {"TableName": name, **REQUEST}
    items = [json_item(item) for item in TABLES[name]]
    expected = settle.columns(request, items, crawler=True)
    columns = [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]]
    assert settle.certain(columns, expected, items) == [(column, glue_type) for column, glue_type, _ in expected]
    assert table["Parameters"]["sourceTable"] == name
    assert table["Parameters"]["UPDATED_BY_CRAWLER"] == f"{name}_crawler"


def json_item(item):
    """An item of boto3 as DynamoDB JSON has it."""
    return json.loads(json.dumps(item, default=lambda value: "AAE="))


@pytest.mark.parametrize("name", TABLES)
def test_schema_and_link(account, first_run, name):
    glue, table = account.client("glue"), catalogued(account)[name]
    parameters = table["Parameters"]
    version = glue.get_schema_version(SchemaVersionId=parameters["schemaVersionId"])
    assert (version["Status"], version["VersionNumber"]) == ("AVAILABLE", 1)
    assert parameters["schemaName"] == f"{DATABASE}.{table['Name']}"
    assert parameters["schemaRegistryName"] == REGISTRY
    assert json.loads(version["SchemaDefinition"])["type"] == "record"


def test_log_and_metrics(account, first_run):
    messages = log_messages(account)
    metrics = [json.loads(message) for message in messages if '"_aws"' in message]
    assert metrics, messages
    (directive,) = metrics[0]["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("glue-ddb-crawler", [["FunctionName"]])
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    counts = ("Tables", "Started", "Crawled", "Deferred", "Failed", "Linked", "QuotaReached", "Calls")
    assert units == dict.fromkeys(counts, "Count") | {"Duration": "Milliseconds"}
    assert (metrics[0]["FunctionName"], metrics[0]["event"]) == (FUNCTION, "sync")
    assert (metrics[0]["Tables"], metrics[0]["Linked"], metrics[0]["Failed"]) == (len(TABLES), len(TABLES), 0)
    assert metrics[0]["Calls"] == sum(first_run["calls"].values())
    # What MiniStack itself writes is text; every line of the function is JSON, and none has a value of an item.
    own = [m for m in messages if not re.match(r"(START|END|REPORT|INIT_START) ", m)]
    assert all(isinstance(json.loads(message), dict) for message in own)
    assert SECRET not in "".join(messages)


def log_messages(account):
    pages = account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/glue-ddb-crawler/{FUNCTION}")
    return [event["message"] for page in pages for event in page["events"]]


def test_second_invocation_only_puts_back_what_its_crawls_took_away(account, stack, first_run):
    before = everything(account)
    report = stack.invoke({"wait": True})
    assert report["summary"]["crawled"] == len(TABLES)
    assert {tuple(line["actions"]) for line in report["tables"]} == {("start_crawler", "link_schema")}
    writing = re.compile(r":(Create|Update|Delete|Put|Register|Attach|Detach|Tag|Pass)")
    written = {call: times for call, times in report["calls"].items() if writing.search(call)}
    assert written == {"glue:UpdateTable": len(TABLES), "glue:PutSchemaVersionMetadata": len(TABLES)}
    assert everything(account) == before


def test_the_doctor_finds_nothing_wrong(binary, stack, first_run):
    found = json.loads(run([binary, "doctor", "--quiet", "--output", "json"], stack.settings(), cwd=stack.directory))
    states = {check["name"]: (check["state"], check["says"]) for check in found["checks"]}
    assert {name: told for name, told in states.items() if told[0] != "fine"} == {}
    assert stack.resources["Boundary"] in states["boundary"][1]
    assert f"{len(TABLES)} of " in states["tables"][1]


def everything(account):
    """All that a run leaves behind, with its versions and times."""
    iam, glue = account.client("iam"), account.client("glue")
    roles = {}
    for role in iam.list_roles(PathPrefix="/glue-ddb-crawler/")["Roles"]:
        name = role["RoleName"]
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        documents = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in inline]
        roles[name] = iam.get_role(RoleName=name)["Role"] | {"RoleLastUsed": None}, documents
    schemas = {
        schema["SchemaName"]: glue.list_schema_versions(
            SchemaId={"RegistryName": REGISTRY, "SchemaName": schema["SchemaName"]}
        )["Schemas"]
        for schema in glue.list_schemas(RegistryId={"RegistryName": REGISTRY})["Schemas"]
    }
    crawlers = {
        crawler["Name"]: (crawler["Version"], crawler["LastUpdated"])
        for page in glue.get_paginator("get_crawlers").paginate()
        for crawler in page["Crawlers"]
    }
    # Each crawl writes its table: what it holds counts, not when that was.
    when = ("VersionId", "CreateTime", "UpdateTime")
    tables = {
        name: {key: value for key, value in table.items() if key not in when}
        for name, table in catalogued(account).items()
    }
    return roles, schemas, crawlers, tables, glue.get_database(Name=DATABASE)["Database"]


def test_an_event_overrides_settings(account, stack, first_run):
    report = stack.invoke({"include": ["Orders", "people"], "exclude": ["p*"], "dry_run": True})
    assert {name: line["outcome"] for name, line in lines(report).items()} == {"Orders": "planned"}
    error = stack.invoke({"inclde": ["Orders"]}, error=True)
    assert error["errorType"] == "Settings"
    assert "inclde" in error["errorMessage"] and "include" in error["errorMessage"]


def test_a_failed_asynchronous_invocation_reaches_the_topic(account, stack):
    queue = account.client("sqs").create_queue(QueueName="alerts")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:alerts"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    account.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    account.client("sns").subscribe(TopicArn=stack.resources["Alerts"], Protocol="sqs", Endpoint=arn)
    account.client("lambda").invoke(FunctionName=FUNCTION, InvocationType="Event", Payload=b'{"inclde": []}')
    received = wait_for(lambda: account.client("sqs").receive_message(QueueUrl=queue).get("Messages"), 20)
    record = json.loads(json.loads(received[0]["Body"])["Message"])
    assert record["requestPayload"] == {"inclde": []}
    assert record["responsePayload"]["errorType"] == "Settings"


def test_the_native_engine_reads_tables_itself(account, native, tables):
    report = native.call({})
    assert lines(report)["Orders"]["outcome"] == "crawled", report
    assert lines(report)["Orders"]["schema"]["name"] == "native_tables.orders"
    assert not [call for call in report["calls"] if call.startswith("iam:") or "Crawler" in call]
    items = [json_item(item) for item in TABLES["Orders"]]
    columns = catalogued(account, "native_tables")["Orders"]["StorageDescriptor"]["Columns"]
    assert [(c["Name"], c["Type"]) for c in columns] == [c[:2] for c in settle.columns(REQUEST, items)]


# ------------------------------------------------------------------------------------------------ by the ends of crawls


@pytest.fixture(scope="module")
def tell(account, stack):
    """`tell(crawler, state)` sends what AWS Glue sends when a crawl has ended.

    Only AWS services may send events of `aws.*`, to MiniStack as to AWS. So the deployed rule gets a twin with the same
    pattern for another source, which is put right again on the way to the function.
    """
    events, rule = account.client("events"), stack.resources["FunctionCrawlEnded"]
    pattern = json.loads(events.describe_rule(Name=rule)["EventPattern"]) | {"source": ["e2e.glue"]}
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_rule(Name="twin", EventPattern=json.dumps(pattern))
    parts = ("account", "region", "time", "id", "detail")
    template = '{"version":"0","source":"aws.glue","resources":[],"detail-type":"Glue Crawler State Change",'
    template += ",".join(f'"{part}":<{part}>' for part in parts) + "}"
    transformer = {"InputPathsMap": {part: f"$.{part}" for part in parts}, "InputTemplate": template}
    twin = {"Id": "twin", "Arn": target["Arn"], "InputTransformer": transformer}
    assert events.put_targets(Rule="twin", Targets=[twin])["FailedEntryCount"] == 0

    def send(crawler, state="Succeeded"):
        detail = {
            "accountId": ACCOUNT, "crawlerName": crawler, "state": state, "message": f"Crawler {state}",
            "completionDate": "2026-01-01T00:00:00Z", "runningTime (sec)": "7", "warningMessage": "N/A",
            "cloudWatchLogLink": "https://example.com",
            "tablesCreated": "1", "tablesUpdated": "0", "tablesDeleted": "0",
            "partitionsCreated": "0", "partitionsUpdated": "0", "partitionsDeleted": "0",
        }  # fmt: skip
        entry = {"Source": "e2e.glue", "DetailType": "Glue Crawler State Change", "Detail": json.dumps(detail)}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    return send


def test_the_end_of_a_crawl_links_its_table(account, stack, first_run, tell):
    create_table(account, "late", TABLES["people"][:2])
    report = stack.invoke({"include": ["late"]})
    assert lines(report)["late"]["outcome"] == "started"
    wait_for(lambda: is_ready(account, "late"))
    assert "schemaVersionId" not in catalogued(account)["late"]["Parameters"]
    tell("late_crawler")
    wait_for(lambda: "schemaVersionId" in catalogued(account)["late"]["Parameters"], 20)


def test_other_crawlers_are_none_of_its_business(account, stack, first_run, tell):
    glue = account.client("glue")
    create_table(account, "foreign", TABLES["people"][:2])
    role = glue.get_crawler(Name="Orders_crawler")["Crawler"]["Role"]
    targets = {"DynamoDBTargets": [{"Path": "Orders"}]}
    glue.create_crawler(Name="foreign_crawler", Role=role, DatabaseName=DATABASE, Targets=targets)
    before = everything(account), len(ended_events(account))
    tell("foreign_crawler")
    wait_for(lambda: len(ended_events(account)) > before[1], 20)
    metrics = ended_events(account)[-1]
    assert (metrics["Started"], metrics["Linked"], metrics["Failed"]) == (0, 0, 0)
    assert everything(account) == before[0]
    line = lines(stack.invoke({"include": ["foreign"]}))["foreign"]
    assert line["outcome"] == "failed" and "not ours" in line["reason"]
    glue.delete_crawler(Name="foreign_crawler")


def ended_events(account):
    metrics = [json.loads(message) for message in log_messages(account) if '"_aws"' in message]
    return [metric for metric in metrics if metric.get("event") == "crawl_ended"]


def test_events_drain_what_a_run_had_to_leave(account, stack, first_run, tell):
    names = {f"drain-{n}" for n in range(4)}
    for name in names:
        create_table(account, name, TABLES["people"][:2])
    with stack.environment(GLUE_DDB_CRAWLER_MAX_RUNNING="1"):
        report = stack.invoke({"include": ["drain-*"]})
        outcomes = [line["outcome"] for line in report["tables"]]
        assert sorted(outcomes) == ["deferred"] * 3 + ["started"]
        assert "backlogs" in database_parameters(account)
        told = set()
        while told != names:
            ready = wait_for(lambda: {n for n in names - told if has_crawler(account, n) and is_ready(account, n)})
            for name in ready:
                tell(f"{name}_crawler")
                wait_for(lambda: "schemaVersionId" in catalogued(account)[name]["Parameters"], 20)
            told |= ready
    # Whether all of it is linked, no single event can tell: the timer's step does, and then has nothing more to do.
    assert stack.invoke({"step": "continue"})["summary"]["failed"] == 0
    assert "backlogs" not in database_parameters(account)
    assert stack.invoke({"step": "continue"})["calls"] == {"glue:GetDatabase": 1}


def has_crawler(account, table):
    return f"{table}_crawler" in account.client("glue").list_crawlers(MaxResults=1000)["CrawlerNames"]


def database_parameters(account):
    return account.client("glue").get_database(Name=DATABASE)["Database"].get("Parameters", {})


# ------------------------------------------------------------------------------------------------ by the schedule


def test_the_schedule_invokes(account, nightly, tables):
    """The other installation is invoked by nothing else: what it catalogued, its schedule made it catalogue."""
    glue = account.client("glue")
    databases = lambda: [database["Name"] for database in glue.get_databases()["DatabaseList"]]  # noqa: E731
    wait_for(lambda: "nightly_tables" in databases(), 90)
    wait_for(lambda: "nightly-first" in catalogued(account, "nightly_tables"), 20)
    crawler = glue.get_crawler(Name="ddb_nightly-first_crawler")["Crawler"]
    assert crawler["Targets"]["DynamoDBTargets"][0]["scanRate"] == 0.5
