"""Commands of the documentation, copied from the page and run as a reader would."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import ACCOUNT, DATABASE, REGION, REPOSITORY, client_environment, serving

DOCS = REPOSITORY / "docs"
TABLES = ["Orders.eu", "users"]


def commands(page, heading):
    """The code blocks under a heading, in order."""
    section = re.split(rf"^## {re.escape(heading)}$", (DOCS / page).read_text(), flags=re.M)[1]
    section = re.split(r"^## ", section, flags=re.M)[0]
    return re.findall(r"^```\n(.*?)^```$", section, flags=re.M | re.S)


@pytest.fixture
def shell(binary, tmp_path):
    """A shell with the AWS CLI and the program on its path, and an endpoint with two tables to talk to."""
    tables = tmp_path / "tables"
    tables.mkdir()
    for name in TABLES:
        keys = [{"AttributeName": "id", "KeyType": "HASH"}]
        types = [{"AttributeName": "id", "AttributeType": "S"}]
        (tables / f"{name}.json").write_text(json.dumps({"KeySchema": keys, "AttributeDefinitions": types}))
        (tables / f"{name}.jsonl").write_text('{"id":{"S":"1"},"userName":{"S":"u"}}\n')
    path = tmp_path / "bin"
    path.mkdir()
    (path / "glue-ddb-crawler").symlink_to(binary)
    with serving(binary, tmp_path / "served", "--tables", str(tables)) as endpoint:

        def run(script, **variables):
            environment = client_environment(endpoint.url) | {"AWS_REGION": REGION} | variables
            environment["PATH"] = f"{path}:{pathlib.Path(sys.executable).parent}:{environment['PATH']}"
            # `aws configure get region` reads the file, not the environment.
            config = tmp_path / "config"
            config.write_text(f"[default]\nregion = {REGION}\n")
            environment["AWS_CONFIG_FILE"] = str(config)
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                env=environment,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            return done.stdout

        yield endpoint, run


def install_the_original(endpoint):
    """What the Python function leaves in an account: see its source, sosw-examples/helper_lambdas/sys_glue_ddb_crawler."""
    iam, glue = endpoint.client("iam"), endpoint.client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
    for table in TABLES:
        name = f"ddb_{table}_crawler"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole")
        read = {
            "Effect": "Allow",
            "Action": ["dynamodb:Describe*", "dynamodb:Scan"],
            "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [read]})
        iam.put_role_policy(RoleName=name, PolicyName=f"{name}_inline_policy", PolicyDocument=policy)
        glue.create_crawler(
            Name=name,
            Role=f"arn:aws:iam::{ACCOUNT}:role/{name}",
            DatabaseName=DATABASE,
            Targets={"DynamoDBTargets": [{"Path": table, "scanAll": True}]},
        )


def test_the_original_is_adopted(shell, program):
    endpoint, run = shell
    install_the_original(endpoint)
    hand_over, deploy, tidy_up = commands("deploy.md", "Adopt an installation of the original")
    assert "CrawlerName='ddb_{table}_crawler'" in deploy
    run(hand_over)
    report = json.loads(run("glue-ddb-crawler sync --wait --output json", GLUE_DDB_CRAWLER_CRAWLER_NAME="ddb_{table}_crawler"))
    assert [(table["table"], table["crawler"], table["outcome"]) for table in report["tables"]] == [
        (name, f"ddb_{name}_crawler", "crawled") for name in TABLES
    ]
    assert report["summary"]["linked"] == 2 and report["database_changed"]
    assert "update_crawler" in report["tables"][0]["actions"]
    run(tidy_up)
    roles = endpoint.client("iam").list_roles()["Roles"]
    assert sorted(role["RoleName"] for role in roles) == [f"{name}_crawler_{REGION}" for name in TABLES]
    assert {role["Path"] for role in roles} == {"/glue-ddb-crawler/"}
    crawlers = endpoint.client("glue").get_crawlers()["Crawlers"]
    assert sorted(crawler["Name"] for crawler in crawlers) == [f"ddb_{name}_crawler" for name in TABLES]


def test_the_policies_without_sam(shell):
    endpoint, run = shell
    (script,) = commands("security.md", "Without SAM")
    run(script + "glue-ddb-crawler sync --wait --quiet\n")
    roles = endpoint.client("iam").list_roles(PathPrefix="/glue-ddb-crawler/")["Roles"]
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/glue-ddb-crawler/glue-ddb-crawler-boundary"
    for role in roles:
        role = endpoint.client("iam").get_role(RoleName=role["RoleName"])["Role"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert len(roles) == 2


def test_uninstall_leaves_nothing(shell):
    endpoint, run = shell
    run("glue-ddb-crawler sync --wait --quiet")
    (script,) = commands("deploy.md", "Uninstall")
    stop, *prune, delete = script.strip().splitlines()
    assert stop.startswith("aws lambda put-function-concurrency") and delete.startswith("sam delete")
    listed, removed = (run(line) for line in prune)
    assert removed.splitlines() == [f"{line}: removed" for line in listed.splitlines()]
    glue = endpoint.client("glue")
    assert glue.get_crawlers()["Crawlers"] == [] and glue.list_registries()["Registries"] == []
    assert glue.get_databases()["DatabaseList"] == []
    assert endpoint.client("iam").list_roles()["Roles"] == []
