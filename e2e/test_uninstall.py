"""The last of the checks of the stack: it goes as docs/deploy.md says, and leaves nothing."""

import pytest
from botocore.exceptions import ClientError

from conftest import REGION
from stack import run, sam_environment


def test_uninstalling_leaves_nothing(account, binary, stack, nightly, native, shards, first_run):
    boundary = stack.resources["Boundary"]
    with pytest.raises(ClientError, match="DeleteConflict"):
        account.client("iam").delete_policy(PolicyArn=boundary)
    installations = (stack, native, nightly, shards)
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
        "state machines": account.client("stepfunctions").list_state_machines()["stateMachines"],
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
    environment = sam_environment(stack.directory, stack.account.url)
    run([binary, "prune", "--all", "--yes"], stack.settings(), cwd=stack.directory)
    command = ["sam", "delete", "--stack-name", stack.name, "--region", REGION, "--no-prompts"]
    run(command, environment, cwd=stack.directory)
