"""What the function and the crawlers may do, and what they may not, with policies enforced by MiniStack."""

import json

import pytest
import yaml
from botocore.exceptions import ClientError

from conftest import ACCOUNT, REGION
from stack import TABLES, TEMPLATE, actions_of, create_table, lines, role_of, without


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
# A run that is not told how many roles the account has goes on.
NOT_ASKED_FOR |= {"iam:GetAccountSummary", "iam:PassRole", "iam:TagRole", "kms:Decrypt"}
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
def test_each_action_is_needed(account, stack, first_run, action):
    role, payload = CASES[action]
    table = action.replace(":", "-")
    create_table(account, table, TABLES["people"][:1])
    prepare_role(account, f"{table}_crawler_{REGION}", role)
    # What is denied about a new role could be IAM that does not know it yet: that is not waited for here.
    event = {"include": [table], "no_start": "engine" not in payload, "propagation_limit": 0} | payload
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
        assert "outside /glue-ddb-crawler/" in lines(answer)[table]["reason"]
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
def as_crawler(account, first_run):
    """A DynamoDB client with credentials of the role of Orders' crawler.

    In MiniStack nobody can be AWS Glue, whom alone the role trusts: it trusts the account as well for a moment. (MiniStack looks
    at a trust policy's conditions, not at whom it names: that others are refused is checked against `serve`, crates/local/tests.)
    """
    iam, name = account.client("iam"), role_of(account, "Orders")
    role = iam.get_role(RoleName=name)["Role"]
    trust = role["AssumeRolePolicyDocument"]
    root = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    wider = json.dumps(trust | {"Statement": [*trust["Statement"], root]})
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


def test_a_crawl_without_leave_to_scan_fails(account, stack, first_run):
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
