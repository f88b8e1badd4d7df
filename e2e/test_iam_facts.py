"""Every policy of the project, and what the endpoint asks of roles, against AWS's Service Authorization Reference."""

import itertools
import json
import urllib.request

import pytest

import facts
from conftest import ACCOUNT, REGION
from template import Template

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/glue-ddb-crawler/boundary"
# What differs from the reference, and why that is right. One that no longer differs fails.
STANDARD = "a Distributed Map of the type STANDARD has no executions of express workflows"
EXCEPTIONS = {"WatchShards: states:DescribeExecution: needs a resource of the type express": STANDARD}
LINT_EXCEPTIONS = {
    "RESOURCE_MISMATCH [{'action': 'states:DescribeExecution', 'required_format': 'arn:*:states:*:*:express:*:*:*'}]": STANDARD
}
# The same of what the endpoint asks of roles.
ENDPOINT_EXCEPTIONS = {}


def run_policies(program):
    """`policy run` and `policy boundary`, with all that changes them."""
    options = {"engine": ["managed", "native"], "permissions_boundary": [BOUNDARY], "wide_roles": [False, True]}
    for values in itertools.product(*options.values()):
        settings = dict(zip(options, values))
        file = program.directory / "policy.toml"
        file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
        for arguments in [["run"], ["run", "--export-bucket", "exports"], ["boundary"]]:
            about = ["--account", ACCOUNT, "--region", REGION, "--config", file]
            yield f"policy {arguments}, {settings}", program.json("policy", *arguments, *about), True


def template_policies():
    """Name -> document, and whether it is an identity's: of every policy in the template, under all of its conditions."""
    positions = {
        "Engine": ["managed", "native"],
        "Shards": [0, 4],
        "ExportBucket": ["", "exports"],
        "WideRoles": ["false", "true"],
    }
    for values in itertools.product(*positions.values()):
        resources = Template(**dict(zip(positions, values))).resources()
        for name, resource in resources.items():
            properties = resource.get("Properties", {})
            for policy in properties.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
                yield f"{name}.{policy['PolicyName']}", policy["PolicyDocument"], True
            if "PolicyDocument" in properties:
                yield name, properties["PolicyDocument"], resource["Type"] == "AWS::IAM::ManagedPolicy"
            if "AssumeRolePolicyDocument" in properties:
                yield f"{name}.trust", properties["AssumeRolePolicyDocument"], False


def crawler_roles(endpoint):
    iam = endpoint.client("iam")
    for role in iam.list_roles(PathPrefix="/glue-ddb-crawler/")["Roles"]:
        name = role["RoleName"]
        yield f"{name}.trust", role["AssumeRolePolicyDocument"], False
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            yield name, iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"], True


@pytest.fixture(scope="module")
def documents(program, synced):
    """(name, document, whether it is an identity's) of all there are."""
    found = [*run_policies(program), *template_policies(), *crawler_roles(synced)]
    assert len(found) > 50
    return found


def test_policies_say_only_what_the_reference_knows(documents):
    found = {problem for _, document, _ in documents for problem in facts.problems(document)}
    assert found == set(EXCEPTIONS), "\n".join(sorted(found ^ set(EXCEPTIONS)))


def test_parliament_finds_nothing(documents):
    found = facts.lint([document for _, document, of_identity in documents if of_identity])
    assert found == set(LINT_EXCEPTIONS), "\n".join(sorted(found ^ set(LINT_EXCEPTIONS)))


@pytest.mark.parametrize("wide", ["false", "true"])
def test_the_boundary_of_the_template_is_the_one_that_is_printed(program, wide):
    file = program.directory / "wide.toml"
    file.write_text(f"wide_roles = {wide}\n")
    printed = program.json("policy", "boundary", "--account", ACCOUNT, "--region", REGION, "--config", file)
    assert Template(WideRoles=wide).resources()["Boundary"]["Properties"]["PolicyDocument"] == printed


def test_the_endpoint_asks_of_roles_what_the_reference_says(synced):
    with urllib.request.urlopen(f"{synced.url}/actions", timeout=10) as answer:
        actions = json.load(answer)
    assert len(actions) > 100
    found = set()
    for asked in actions:
        name, kinds, keys = asked["action"], set(asked["resources"]), asked["keys"]
        try:
            action = facts.Action(name)
        except KeyError:
            found.add(f"{name}: there is no such action")
            continue
        found |= {f"{name}: is on no {kind}" for kind in kinds - action.arns.keys()}
        found |= {f"{name}: is not asked for on the {kind}" for kind in action.required - kinds}
        found |= {f"{name}: does not know {key}" for key in keys if not action.knows(key, kinds)}
    assert found == set(ENDPOINT_EXCEPTIONS), "\n".join(sorted(found ^ set(ENDPOINT_EXCEPTIONS)))


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ({"Action": "iam:UpdateRoll", "Resource": "*"}, "S: iam:UpdateRoll: there is no such action"),
        (
            {"Action": "glue:CreateCrawler", "Resource": "arn:aws:glue:us-east-1:1:crawler/*"},
            "S: glue:CreateCrawler: knows no resources",
        ),
        (
            {"Action": "glue:GetTable", "Resource": "arn:aws:glue:us-east-1:1:table/d/*"},
            "S: glue:GetTable: needs a resource of the type database, rootcatalog",
        ),
        (
            {
                "Action": ["iam:UpdateRole"],
                "Resource": "arn:aws:iam::1:role/x",
                "Condition": {"StringEquals": {"iam:PermissionsBoundary": "b"}},
            },
            "S: iam:UpdateRole: does not know the condition key iam:PermissionsBoundary",
        ),
        (
            {"Action": ["dynamodb:Scan"], "Resource": ["arn:aws:dynamodb:r:1:table/t", "arn:aws:s3:::b"]},
            "S: arn:aws:s3:::b: is of no type that its actions know",
        ),
    ],
)
def test_a_planted_mistake_is_found(statement, problem):
    found = facts.problems({"Statement": [{"Sid": "S", "Effect": "Allow"} | statement]})
    assert any(each.startswith(problem) for each in found), found
