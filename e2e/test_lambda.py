"""The installed function at work: invoked by hand, by its schedule and by the ends of crawls.

Its real `bootstrap` runs in MiniStack, with the credentials of its role: DynamoDB, IAM and STS are MiniStack's, with policies
enforced; Glue is `serve`, whose crawlers look their roles up in MiniStack, and read its tables as far as these allow.
"""

import json
import re

import pytest
import yaml
from botocore.exceptions import ClientError

import settle
from conftest import ACCOUNT, DATABASE, REGION, wait_for
from stack import FUNCTION, TEMPLATE, actions_of, run, sam_environment, without

REGISTRY = "glue-ddb-crawler"
SECRET = "value-of-an-item"
LONG = "a-Table.with_a-name" + "-that-goes-on" * 15
KEYS = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
REQUEST = KEYS | {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}
TABLES = {
    "Orders": [
        {"id": {"S": SECRET}, "Total": {"N": "12.5"}, "lines": {"L": [{"M": {"sku": {"S": SECRET}, "n": {"N": "1"}}}]}},
        {"id": {"S": "2"}, "Total": {"N": "7"}, "tags": {"SS": ["a", "b"]}, "paid": {"BOOL": True}},
    ],
    "My-Table.V2": [{"id": {"S": "1"}, "CamelCase": {"N": "1"}, "dashed-name": {"S": "x"}, "9lives": {"NULL": True}}],
    "Empty": [],
    "people": [{"id": {"S": str(n)}, "age": {"N": str(n)}, "seen": {"L": [{"N": str(n)}]}} for n in range(60)],
    LONG: [{"id": {"S": "1"}, "data": {"B": b"\x00\x01"}}],
}


def create_table(account, name, items):
    dynamodb = account.client("dynamodb")
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **REQUEST)
    for item in items:
        dynamodb.put_item(TableName=name, Item=item)


@pytest.fixture(scope="module")
def tables(account, nightly):
    """The tables of the first run; the nightly installation has one of its own."""
    create_table(account, "nightly-first", TABLES["people"][:3])
    for name, items in TABLES.items():
        create_table(account, name, items)


@pytest.fixture(scope="module")
def first_report(stack, tables):
    """The answer to `aws lambda invoke --payload '{"wait": true}'` in a new account."""
    return stack.invoke({"wait": True})


def catalogued(account, database=DATABASE):
    """DynamoDB table -> its catalog table."""
    pages = account.client("glue").get_paginator("get_tables").paginate(DatabaseName=database)
    tables = [table for page in pages for table in page["TableList"]]
    return {table["StorageDescriptor"]["Location"].split(":table/")[1]: table for table in tables}


def lines(report):
    return {line["table"]: line for line in report["tables"]}


def role_of(account, table):
    crawler = account.client("glue").get_crawler(Name=f"{table}_crawler")["Crawler"]
    return crawler["Role"].rsplit("/", 1)[1]


def is_ready(account, table):
    crawler = account.client("glue").get_crawler(Name=f"{table}_crawler")["Crawler"]
    return crawler["State"] == "READY" and crawler.get("LastCrawl")


# ------------------------------------------------------------------------------------------------ by hand


def test_report(first_report):
    summary = first_report["summary"]
    assert {name: line.get("reason") for name, line in lines(first_report).items()} == dict.fromkeys(TABLES)
    assert list(first_report)[0] == "summary"
    assert (summary["tables"], summary["crawled"], summary["linked"]) == (len(TABLES),) * 3
    assert (summary["failed"], summary["deferred"]) == (0, 0)
    assert sorted(lines(first_report)) == sorted(TABLES)
    assert (first_report["account"], first_report["region"], first_report["database"]) == (ACCOUNT, REGION, DATABASE)


@pytest.mark.parametrize("name", TABLES)
def test_role(account, stack, first_report, name):
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
def test_catalog_table(account, first_report, name):
    table = catalogued(account)[name]
    request = {"TableName": name, **REQUEST}
    items = [json_item(item) for item in TABLES[name]]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        (column, glue_type) for column, glue_type, _ in settle.columns(request, items)
    ]
    assert table["Parameters"]["sourceTable"] == name
    assert table["Parameters"]["UPDATED_BY_CRAWLER"] == f"{name}_crawler"


def json_item(item):
    """An item of boto3 as DynamoDB JSON has it."""
    return json.loads(json.dumps(item, default=lambda value: "AAE="))


@pytest.mark.parametrize("name", TABLES)
def test_schema_and_link(account, first_report, name):
    glue, table = account.client("glue"), catalogued(account)[name]
    parameters = table["Parameters"]
    version = glue.get_schema_version(SchemaVersionId=parameters["schemaVersionId"])
    assert (version["Status"], version["VersionNumber"]) == ("AVAILABLE", 1)
    assert parameters["schemaName"] == f"{DATABASE}.{table['Name']}"
    assert parameters["schemaRegistryName"] == REGISTRY
    assert json.loads(version["SchemaDefinition"])["type"] == "record"


def test_log_and_metrics(account, first_report):
    messages = log_messages(account)
    metrics = [json.loads(message) for message in messages if '"_aws"' in message]
    assert metrics, messages
    (directive,) = metrics[0]["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("glue-ddb-crawler", [["FunctionName"]])
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    counts = ("Tables", "Started", "Crawled", "Deferred", "Failed", "Linked", "Calls")
    assert units == dict.fromkeys(counts, "Count") | {"Duration": "Milliseconds"}
    assert (metrics[0]["FunctionName"], metrics[0]["event"]) == (FUNCTION, "sync")
    assert (metrics[0]["Tables"], metrics[0]["Linked"], metrics[0]["Failed"]) == (len(TABLES), len(TABLES), 0)
    assert metrics[0]["Calls"] == sum(first_report["calls"].values())
    # What MiniStack itself writes is text; every line of the function is JSON, and none has a value of an item.
    own = [m for m in messages if not re.match(r"(START|END|REPORT|INIT_START) ", m)]
    assert all(isinstance(json.loads(message), dict) for message in own)
    assert SECRET not in "".join(messages)


def log_messages(account):
    pages = account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{FUNCTION}")
    return [event["message"] for page in pages for event in page["events"]]


def test_second_invocation_changes_nothing(account, stack, first_report):
    before = everything(account)
    report = stack.invoke({"wait": True})
    assert (report["summary"]["crawled"], report["summary"]["changed"]) == (len(TABLES), 0)
    assert {tuple(line["actions"]) for line in report["tables"]} == {("start_crawler",)}
    writing = re.compile(r":(Create|Update|Delete|Put|Register|Attach|Detach|Tag|Pass)")
    assert [call for call in report["calls"] if writing.search(call)] == []
    assert everything(account) == before


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
    return roles, schemas, crawlers, catalogued(account), glue.get_database(Name=DATABASE)["Database"]


def test_an_event_overrides_settings(account, stack, first_report):
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

    Only AWS services may send events of `aws.*`, to MiniStack as to AWS. So the deployed rule gets a twin, with the same
    pattern for another source, and with that source put right again on the way to the function.
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
            "cloudWatchLogLink": "https://example.com", "tablesCreated": "1", "tablesUpdated": "0", "tablesDeleted": "0",
            "partitionsCreated": "0", "partitionsUpdated": "0", "partitionsDeleted": "0",
        }  # fmt: skip
        entry = {"Source": "e2e.glue", "DetailType": "Glue Crawler State Change", "Detail": json.dumps(detail)}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    return send


def test_the_end_of_a_crawl_links_its_table(account, stack, first_report, tell):
    create_table(account, "late", TABLES["people"][:2])
    report = stack.invoke({"include": ["late"]})
    assert lines(report)["late"]["outcome"] == "started"
    wait_for(lambda: is_ready(account, "late"))
    assert "schemaVersionId" not in catalogued(account)["late"]["Parameters"]
    tell("late_crawler")
    wait_for(lambda: "schemaVersionId" in catalogued(account)["late"]["Parameters"], 20)


def test_other_crawlers_are_none_of_its_business(account, stack, first_report, tell):
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


def test_events_drain_what_a_run_had_to_leave(account, stack, first_report, tell):
    names = {f"drain-{n}" for n in range(4)}
    for name in names:
        create_table(account, name, TABLES["people"][:2])
    with stack.environment(GLUE_DDB_CRAWLER_MAX_RUNNING="1"):
        report = stack.invoke({"include": ["drain-*"]})
        outcomes = [line["outcome"] for line in report["tables"]]
        assert sorted(outcomes) == ["deferred"] * 3 + ["started"]
        assert "cycles" in database_parameters(account)
        told = set()
        while told != names:
            ready = wait_for(lambda: {n for n in names - told if has_crawler(account, n) and is_ready(account, n)})
            for name in ready:
                tell(f"{name}_crawler")
                wait_for(lambda: "schemaVersionId" in catalogued(account)[name]["Parameters"], 20)
            told |= ready
        wait_for(lambda: "cycles" not in database_parameters(account), 20)


def has_crawler(account, table):
    return f"{table}_crawler" in account.client("glue").list_crawlers(MaxResults=1000)["CrawlerNames"]


def database_parameters(account):
    return account.client("glue").get_database(Name=DATABASE)["Database"].get("Parameters", {})


# ------------------------------------------------------------------------------------------------ least privilege


class Loader(yaml.SafeLoader):
    """For the actions: what the short forms stand for does not matter."""


def short_form(loader, name, node):
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value


Loader.add_multi_constructor("!", short_form)
FUNCTION_ROLE = yaml.load(TEMPLATE.read_text(), Loader)["Resources"]["FunctionRole"]["Properties"]
POLICIES = [FUNCTION_ROLE["Policies"][0], FUNCTION_ROLE["Policies"][1][1]]
STATEMENTS = [statement for policy in POLICIES for statement in policy["PolicyDocument"]["Statement"]]
ACTIONS = [action for statement in STATEMENTS for action in actions_of(statement)]
# Glue is not MiniStack's. It never asks for leave to pass a role, to tag one in CreateRole, or to decrypt a table.
NOT_ASKED_FOR = {action for action in ACTIONS if action.startswith("glue:")}
NOT_ASKED_FOR |= {"iam:PassRole", "iam:TagRole", "kms:Decrypt"}
"""What makes a run call an action: how the table's role is before, and the event."""
CASES = {
    "dynamodb:ListTables": ("none", {}),
    "dynamodb:DescribeTable": ("none", {"engine": "native"}),
    "dynamodb:Scan": ("none", {"engine": "native"}),
    "iam:ListRoles": ("none", {}),
    "iam:CreateRole": ("none", {}),
    "iam:PutRolePolicy": ("none", {}),
    "iam:UpdateRole": ("none", {}),
    "iam:PutRolePermissionsBoundary": ("drifted", {}),
    "iam:UpdateAssumeRolePolicy": ("drifted", {}),
    "iam:DetachRolePolicy": ("drifted", {}),
    "iam:AttachRolePolicy": ("none", {"managed_policy": True}),
    "iam:GetRole": ("elsewhere", {}),
}


def test_every_action_is_a_case():
    assert CASES.keys() | NOT_ASKED_FOR == set(ACTIONS)
    assert not CASES.keys() & NOT_ASKED_FOR


@pytest.mark.parametrize("action", CASES)
def test_each_action_is_needed(account, stack, first_report, action):
    role, payload = CASES[action]
    table = action.replace(":", "-")
    create_table(account, table, TABLES["people"][:1])
    prepare_role(account, f"{table}_crawler_{REGION}", role)
    event = {"include": [table], "no_start": "engine" not in payload} | payload
    stack.allow_all_but(action)
    try:
        answer = stack.call(event)
    finally:
        stack.allow_all_but()
    reason = answer["errorMessage"] if "errorType" in answer else lines(answer)[table].get("reason", "")
    assert action in reason and "not authorized" in reason, answer
    assert answer.get("errorType", "AccessDenied") == "AccessDenied"
    answer = stack.call(event)
    if role == "elsewhere":
        assert "outside of /glue-ddb-crawler/" in lines(answer)[table]["reason"]
        account.client("iam").delete_role(RoleName=f"{table}_crawler_{REGION}")
    else:
        assert lines(answer)[table]["outcome"] in ("ready", "crawled"), answer


def prepare_role(account, name, state):
    """A role that the run has to repair, or that is somebody else's."""
    path = {"drifted": "/glue-ddb-crawler/", "elsewhere": "/"}.get(state)
    if path:
        trust = {"Version": "2012-10-17", "Statement": []}
        account.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))


@pytest.fixture(scope="module")
def as_crawler(account, first_report):
    """A DynamoDB client with credentials of the role of Orders' crawler.

    In MiniStack nobody can be AWS Glue, whom alone the role trusts: it trusts the account as well for a moment.
    """
    iam, name = account.client("iam"), role_of(account, "Orders")
    role = iam.get_role(RoleName=name)["Role"]
    trust = role["AssumeRolePolicyDocument"]
    root = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    wider = json.dumps(trust | {"Statement": [*trust["Statement"], root]})
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        account.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="AWS-Crawler")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=wider)
    try:
        given = account.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="AWS-Crawler")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    return account.client(
        "dynamodb",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def test_a_crawler_reads_its_table_and_no_other(as_crawler):
    assert as_crawler.scan(TableName="Orders")["Count"] == len(TABLES["Orders"])
    for denied in (
        lambda: as_crawler.scan(TableName="people"),
        lambda: as_crawler.describe_table(TableName="people"),
        lambda: as_crawler.list_tables(),
        lambda: as_crawler.put_item(TableName="Orders", Item={"id": {"S": "x"}}),
        lambda: as_crawler.delete_table(TableName="Orders"),
    ):
        with pytest.raises(ClientError, match="not authorized to perform: dynamodb:"):
            denied()


def test_the_boundary_caps_what_a_role_is_given(account, as_crawler):
    """Someone widens a crawler's role: it still can do no more than a crawl."""
    iam, role = account.client("iam"), role_of(account, "Orders")
    everything_allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything_allowed]})
    iam.put_role_policy(RoleName=role, PolicyName="wider", PolicyDocument=document)
    try:
        assert as_crawler.scan(TableName="people")["Count"] == len(TABLES["people"])
        with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DeleteTable"):
            as_crawler.delete_table(TableName="Orders")
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="wider")


def test_a_crawl_without_leave_to_scan_fails(account, stack, first_report):
    iam, role = account.client("iam"), role_of(account, "Orders")
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    less = json.dumps(without(document, "dynamodb:Scan"))
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=less)
    try:
        line = lines(stack.call({"include": ["Orders"], "wait": True}))["Orders"]
        assert line["outcome"] == "failed" and "dynamodb:Scan" in line["reason"], line
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


# ------------------------------------------------------------------------------------------------ by the schedule


def test_the_schedule_invokes(account, nightly, tables):
    """The other installation is invoked by nothing else: what it catalogued, its schedule made it catalogue."""
    glue = account.client("glue")
    databases = lambda: [database["Name"] for database in glue.get_databases()["DatabaseList"]]  # noqa: E731
    wait_for(lambda: "nightly_tables" in databases(), 90)
    wait_for(lambda: "nightly-first" in catalogued(account, "nightly_tables"), 20)
    crawler = glue.get_crawler(Name="ddb_nightly-first_crawler")["Crawler"]
    assert crawler["Targets"]["DynamoDBTargets"][0]["scanRate"] == 0.5


# ------------------------------------------------------------------------------------------------ the end


def test_uninstalling_leaves_nothing(account, binary, stack, nightly, native, first_report):
    """As docs/deploy.md says."""
    boundary = stack.resources["Boundary"]
    with pytest.raises(ClientError, match="DeleteConflict"):
        account.client("iam").delete_policy(PolicyArn=boundary)
    installations = (stack, native, nightly)
    for installed in installations:
        stop(installed)
    for installed in installations:
        uninstall(binary, installed)
    glue = account.client("glue")
    left = {
        "databases": glue.get_databases()["DatabaseList"],
        "crawlers": glue.list_crawlers()["CrawlerNames"],
        "registries": glue.list_registries()["Registries"],
        "roles": account.client("iam").list_roles()["Roles"],
        "policies": account.client("iam").list_policies(Scope="Local")["Policies"],
        "functions": account.client("lambda").list_functions()["Functions"],
        "logs": account.client("logs").describe_log_groups()["logGroups"],
        "schedules": account.client("scheduler").list_schedules()["Schedules"],
        "rules": [rule for rule in account.client("events").list_rules()["Rules"] if rule["Name"] != "twin"],
        "topics": account.client("sns").list_topics()["Topics"],
        "alarms": account.client("cloudwatch").describe_alarms()["MetricAlarms"],
    }
    assert left == dict.fromkeys(left, [])


def stop(stack):
    functions, name = stack.account.client("lambda"), stack.resources["Function"]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        stack.call({})


def uninstall(binary, stack):
    functions, name = stack.account.client("lambda"), stack.resources["Function"]
    settings = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    del settings["GLUE_DDB_CRAWLER_LOG"]
    environment = sam_environment(stack.directory, stack.account.url)
    glue = {"AWS_ENDPOINT_URL_GLUE": stack.account.glue_url}
    run([binary, "prune", "--all", "--yes"], environment | settings | glue, cwd=stack.directory)
    command = ["sam", "delete", "--stack-name", stack.name, "--region", REGION, "--no-prompts"]
    run(command, environment, cwd=stack.directory)
