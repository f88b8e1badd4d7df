"""The SAM application: what the template says, what `sam build` makes, and what `sam deploy` leaves in the account."""

import json
import re

import pytest
import yaml

from conftest import ACCOUNT, REGION
from stack import FUNCTION, TEMPLATE, actions_of, run, sam_environment


PREFIX = "GLUE_DDB_CRAWLER_"


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms, such as !Ref, as {"Ref": …}."""


def short_form(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    return {name: loader.construct_sequence(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


@pytest.fixture(scope="module")
def template():
    return yaml.load(TEMPLATE.read_text(), Loader)


# ------------------------------------------------------------------------------------------------ the template


def test_linters_have_nothing_to_say(tmp_path):
    environment = sam_environment(tmp_path)
    assert run(["cfn-lint", "--regions", REGION, "--", TEMPLATE], environment) == ""
    assert "is a valid SAM Template" in run(["sam", "validate", "--lint"], environment)


def test_parameters_explain_and_check_themselves(template):
    parameters = template["Parameters"]
    for name, parameter in parameters.items():
        assert parameter["Description"], name
        assert "Default" in parameter, name
        assert {"AllowedPattern", "AllowedValues", "MaxValue"} & parameter.keys(), name
        if pattern := parameter.get("AllowedPattern"):
            assert re.fullmatch(pattern, parameter["Default"]), name
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(parameters)


@pytest.mark.parametrize(
    ("parameter", "accepted", "refused"),
    [
        ("Include", ["orders*", "a,b?,[c-d]", "{a,b}.c"], ["a b", "a/b"]),
        ("Database", ["ddb_tables"], ["Ddb", "ddb-tables", "a*", ""]),
        ("Registry", ["glue-ddb-crawler"], ["*", "a/b", ""]),
        ("CrawlerName", ["{table}_crawler", "ddb_{table}_crawler"], ["{table}*", "crawler", "{table}{table}"]),
        ("TablePrefix", ["", "ddb_"], ["Ddb", "a-b", "a" * 65]),
        ("ContinueSchedule", ["", "rate(1 hour)"], ["hourly", "rate()"]),
        ("Settings", ["", "{}", '{"max_rcu": 100}', '{"types":\n{"numbers":"double"}}'], ["max_rcu=100", "[]", "{"]),
        ("ScanRate", ["", "0.1", "0.25", "1", "1.0", "1.5", "1.50"], ["0", "0.05", "1.51", "1.6", "2", "a"]),
        ("Schedule", ["rate(1 day)", "cron(0 3 * * ? *)"], ["daily", "rate()", ""]),
        ("FunctionName", ["sys-glue-ddb-crawler", "a" * 55], ["a b", "*", "", "a" * 56]),
        ("AlertEmail", ["", "ops@example.com"], ["ops", "a b@c"]),
    ],
)
def test_patterns(template, parameter, accepted, refused):
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert [value for value in accepted if not re.fullmatch(pattern, value)] == []
    assert [value for value in refused if re.fullmatch(pattern, value)] == []


def test_no_policy_is_wider_than_it_has_to_be(template):
    """Exact actions everywhere; all resources only where the service knows none."""
    inline = template["Resources"]["FunctionRole"]["Properties"]["Policies"]
    policies = [policy.get("If", [None, policy])[1]["PolicyDocument"] for policy in inline]
    policies.append(template["Resources"]["Boundary"]["Properties"]["PolicyDocument"])
    # Under a condition are the statements of WideRoles, which is off by default and wider on purpose.
    statements = [statement for policy in policies for statement in policy["Statement"] if "If" not in statement]
    assert {statement["Effect"] for statement in statements} == {"Allow"}
    assert [action for statement in statements for action in actions_of(statement) if "*" in action] == []
    anywhere = {action for statement in statements if statement["Resource"] == "*" for action in actions_of(statement)}
    assert anywhere == {
        "dynamodb:ListTables", "glue:CreateCrawler", "glue:GetCrawlers", "glue:GetSchemaVersion", "glue:ListCrawlers",
        "iam:GetAccountSummary", "iam:ListRoles", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ the build


def test_only_the_function_is_built(built):
    artifacts = sorted(path for path in (built / "Function").rglob("*") if path.is_file())
    assert [path.name for path in artifacts] == ["bootstrap"]
    assert artifacts[0].read_bytes()[:4] == b"\x7fELF"


# ------------------------------------------------------------------------------------------------ the deployed stack


def test_function(account, stack):
    functions = account.client("lambda")
    found = functions.get_function_configuration(FunctionName=FUNCTION)
    assert {key: found[key] for key in ("Runtime", "Handler", "Timeout", "MemorySize", "TracingConfig")} == {
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Timeout": 900,
        "MemorySize": 256,
        "TracingConfig": {"Mode": "Active"},
    }
    assert found["Architectures"] == ["x86_64"]
    assert found["Role"].endswith("/" + stack.resources["FunctionRole"])
    log = found["LoggingConfig"]
    assert (log["LogFormat"], log["LogGroup"]) == ("JSON", f"/glue-ddb-crawler/{FUNCTION}")
    assert found["Environment"]["Variables"] == {
        "GLUE_DDB_CRAWLER_DATABASE": "ddb_tables",
        "GLUE_DDB_CRAWLER_ENGINE": "managed",
        "GLUE_DDB_CRAWLER_EXCLUDE": "nightly*",
        "GLUE_DDB_CRAWLER_ON_DELETE": "DEPRECATE_IN_DATABASE",
        "GLUE_DDB_CRAWLER_SCAN_ALL": "true",
        "GLUE_DDB_CRAWLER_CRAWLER_NAME": "{table}_crawler",
        "GLUE_DDB_CRAWLER_REGISTRY": "glue-ddb-crawler",
        "GLUE_DDB_CRAWLER_COMPATIBILITY": "BACKWARD",
        "GLUE_DDB_CRAWLER_PERMISSIONS_BOUNDARY": stack.resources["Boundary"],
        "GLUE_DDB_CRAWLER_WIDE_ROLES": "false",
        "GLUE_DDB_CRAWLER_LOG": "info",
    }
    # SAM configures the version $LATEST, which MiniStack keeps apart from the function itself.
    on_failure = functions.get_function_event_invoke_config(FunctionName=FUNCTION, Qualifier="$LATEST")
    assert on_failure["DestinationConfig"]["OnFailure"]["Destination"] == stack.resources["Alerts"]


def test_one_execution_is_reserved(account, stack):
    """Read from the processed template: MiniStack does not take it over to the function."""
    reserved = processed(account, stack)["Function"]["Properties"]["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["HasConcurrency", {"Ref": "Concurrency"}, {"Ref": "AWS::NoValue"}]}


def processed(account, stack):
    """The resources of the template as SAM's transformation leaves it."""
    answer = account.client("cloudformation").get_template(StackName=stack.name, TemplateStage="Processed")
    body = answer["TemplateBody"]
    return (body if isinstance(body, dict) else yaml.load(body, Loader))["Resources"]


def test_the_schedules_come_last(account, stack):
    """A rate() fires when its schedule is made: nothing of the stack may be left that could fail after it."""
    resources = processed(account, stack)
    before, found = {"FunctionDaily"}, ["FunctionDaily"]
    while found:
        needed = references(resources[found.pop()]) & resources.keys() - before
        before |= needed
        found += needed
    assert resources.keys() - before == {"FunctionContinue"}
    assert "FunctionDaily" in references(resources["FunctionContinue"])


def references(node):
    """The logical names that a part of a template needs, in any form."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    found = references(list(node.values()))
    for form in ("Ref", "Fn::GetAtt", "GetAtt", "Fn::Sub", "Sub", "DependsOn"):
        told = node.get(form, [])
        told = [told] if isinstance(told, str) else told
        text = " ".join(part for part in told if isinstance(part, str))
        found |= set(re.findall(r"\$\{(\w+)", text) if form.endswith("Sub") else re.findall(r"\w+", text))
    return found


@pytest.mark.parametrize("fixture", ["stack", "nightly", "native"])
def test_policies_are_those_that_the_command_prints(account, program, request, fixture):
    stack = request.getfixturevalue(fixture)
    function = account.client("lambda").get_function_configuration(FunctionName=stack.resources["Function"])
    variables = function["Environment"]["Variables"]
    names = ("engine", "database", "registry", "crawler_name", "permissions_boundary")
    settings = program.directory / f"{stack.name}.toml"
    settings.write_text("".join(f"{name} = {json.dumps(variables[f'{PREFIX}{name.upper()}'])}\n" for name in names))

    def printed(kind):
        return program.json("policy", kind, "--account", ACCOUNT, "--region", REGION, "--config", settings)

    of_the_run = [name for name in ("run", "crawlers") if name in stack.policies]
    assert printed("run")["Statement"] == [each for name in of_the_run for each in stack.policies[name]["Statement"]]
    assert printed("boundary") == managed_policy(account, stack.resources["Boundary"])
    assert sorted(stack.policies) == sorted(["function", *of_the_run])
    role = stack.resources["FunctionRole"]
    assert account.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


def test_the_native_engine_has_nothing_to_do_with_roles_and_crawlers(native):
    assert "crawlers" not in native.policies
    actions = {action for each in native.policies["run"]["Statement"] for action in actions_of(each)}
    assert not [action for action in actions if action.startswith("iam:") or "Crawler" in action]


def managed_policy(account, arn):
    iam = account.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def test_schedule(account, stack):
    schedule = account.client("scheduler").get_schedule(Name=FUNCTION)
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(1 day)", "ENABLED")
    target = schedule["Target"]
    assert (target["Input"], target["Arn"].rsplit(":", 1)[1]) == ("{}", FUNCTION)
    iam, role = account.client("iam"), target["RoleArn"].rsplit("/", 1)[1]
    assert "scheduler.amazonaws.com" in json.dumps(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    (statement,) = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
    assert (actions_of(statement), statement["Resource"]) == (["lambda:InvokeFunction"], target["Arn"])


def test_the_backlog_has_a_schedule_of_its_own(account, stack, nightly, native):
    schedule = account.client("scheduler").get_schedule(Name=f"{FUNCTION}-continue")
    daily = account.client("scheduler").get_schedule(Name=FUNCTION)
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(1 hour)", "ENABLED")
    assert schedule["Target"] == daily["Target"] | {"Input": '{"step": "continue"}'}
    names = {schedule["Name"] for schedule in account.client("scheduler").list_schedules()["Schedules"]}
    # The native engine starts no crawlers that could be waited for; "nightly" asks for none.
    assert names >= {"native", "nightly"} and not names & {"native-continue", "nightly-continue"}


def test_settings_without_a_parameter_reach_the_function(account, nightly):
    found = account.client("lambda").get_function_configuration(FunctionName="nightly")
    settings = json.loads(found["Environment"]["Variables"]["GLUE_DDB_CRAWLER_SETTINGS"])
    assert settings == {"max_running": 3, "on_update": "LOG"}


def test_event_rule_takes_the_ends_of_our_crawls_only(account, stack):
    events, rule = account.client("events"), stack.resources["FunctionCrawlEnded"]
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    assert target["Arn"].endswith(f":function:{FUNCTION}") and "Input" not in target
    policy = json.loads(account.client("lambda").get_policy(FunctionName=FUNCTION)["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert rule in json.dumps(statement["Condition"])

    pattern = events.describe_rule(Name=rule)["EventPattern"]
    ours = {
        "id": "1", "version": "0", "time": "2026-01-01T00:00:00Z", "region": REGION, "resources": [],
        "account": ACCOUNT, "source": "aws.glue", "detail-type": "Glue Crawler State Change",
        "detail": {"crawlerName": "Orders_crawler", "state": "Succeeded"},
    }  # fmt: skip

    def matches(**changes):
        event = ours | changes
        return events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]

    assert matches()
    assert matches(detail=ours["detail"] | {"state": "Failed"})
    assert not matches(detail=ours["detail"] | {"state": "Started"})
    assert not matches(detail=ours["detail"] | {"crawlerName": "sales"})
    assert not matches(account="210987654321")
    assert not matches(source="my.app")
    assert not matches(**{"detail-type": "Glue Job State Change"})


def test_log_and_alarms(account, stack):
    (group,) = account.client("logs").describe_log_groups(logGroupNamePrefix=f"/glue-ddb-crawler/{FUNCTION}")["logGroups"]
    assert group["retentionInDays"] == 30
    topic = stack.resources["Alerts"]
    names = [physical for logical, physical in stack.resources.items() if logical.endswith("Alarm")]
    alarms = account.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    watched = {
        ("AWS/Lambda", "Errors", "Sum", 300, 1),
        ("AWS/Lambda", "AsyncEventsDropped", "Sum", 300, 1),
        ("AWS/Events", "FailedInvocations", "Sum", 300, 1),
        ("glue-ddb-crawler", "Failed", "Sum", 300, 1),
        ("glue-ddb-crawler", "QuotaReached", "Sum", 300, 1),
        # The least of a day, two days on end: a backlog that drains has none at its end.
        ("glue-ddb-crawler", "Deferred", "Minimum", 86400, 2),
    }
    shape = ("Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods")
    assert {tuple(alarm[part] for part in shape) for alarm in alarms} == watched
    for alarm in alarms:
        dimension = {"Name": "FunctionName", "Value": FUNCTION}
        if alarm["Namespace"] == "AWS/Events":
            dimension = {"Name": "RuleName", "Value": stack.resources["FunctionCrawlEnded"]}
        assert alarm["Dimensions"] == [dimension]
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
        assert (alarm["TreatMissingData"], alarm["AlarmActions"]) == ("notBreaching", [topic])
    policy = json.loads(account.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert sorted(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) == sorted(alarm["AlarmArn"] for alarm in alarms)


def test_outputs(account, stack):
    (found,) = account.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
    assert outputs == {
        "FunctionName": FUNCTION,
        "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}",
        "BoundaryArn": stack.resources["Boundary"],
        "AlertsArn": stack.resources["Alerts"],
        "LogGroupName": f"/glue-ddb-crawler/{FUNCTION}",
    }
