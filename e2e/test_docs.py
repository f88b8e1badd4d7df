"""Commands of the documentation, copied from the page and run as a reader would."""

import contextlib
import json
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import ACCOUNT, DATABASE, REGION, REPOSITORY, client_environment, serving, wait_for

DOCS = REPOSITORY / "docs"
TABLES = ["Orders.eu", "users"]


def commands(page, heading):
    """The code blocks under a heading, in order."""
    section = re.split(rf"^## {re.escape(heading)}$", (DOCS / page).read_text(), flags=re.M)[1]
    section = re.split(r"^## ", section, flags=re.M)[0]
    return re.findall(r"^```\n(.*?)^```$", section, flags=re.M | re.S)


@pytest.fixture
def shell(binary, tmp_path):
    with shell_of(binary, tmp_path) as shell:
        yield shell


@contextlib.contextmanager
def shell_of(binary, tmp_path, *arguments):
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
    with serving(binary, tmp_path / "served", "--tables", str(tables), *arguments) as endpoint:

        def run(script, **variables):
            environment = client_environment(endpoint.url) | {"AWS_REGION": REGION} | variables
            environment["PATH"] = f"{path}:{pathlib.Path(sys.executable).parent}:{environment['PATH']}"
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


def headings(page):
    return re.findall(r"^## (\d.*)$", (DOCS / page).read_text(), flags=re.M)


def without_the_function(script):
    """The script without what only AWS or SAM can do: each command with its lines, which end with a backslash."""
    whole = re.findall(r"(?:.*\\\n)*.*\n", script)
    there = [line for line in whole if not re.search(r"\bsam |aws (lambda|logs|cloudformation) |^jq ", line)]
    return "".join(line.replace("sleep 15", "sleep 0") for line in there)


# What an account is like: how the switches of the endpoint stand, and so what the list must come to. `doctor` says nothing of
# the last two.
ACCOUNTS = [
    {
        "crawl-rewrites": "no",
        "get-shows-referenced": "yes",
        "list-shows-referenced": "no",
        "reader-denied": "yes",
        "sends-source-account": "yes",
    },
    {
        "crawl-rewrites": "yes",
        "crawl-keeps-parameters": "no",
        "crawl-keeps-comments": "no",
        "crawl-keeps-reference": "no",
        "get-shows-referenced": "yes",
        "list-shows-referenced": "yes",
        "reader-denied": "yes",
        "sends-source-account": "no",
    },
    {
        "crawl-rewrites": "yes",
        "crawl-keeps-parameters": "no",
        "crawl-keeps-comments": "yes",
        "crawl-keeps-reference": "yes",
        "get-shows-referenced": "yes",
        "list-shows-referenced": "yes",
        "reader-denied": "no",
        "sends-source-account": "no",
    },
]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_first_time_in_an_account(binary, tmp_path, account):
    """docs/first-deploy.md but for what needs the function: `sync` does that."""
    assert "export AWS_REGION=us-east-1 ONE=orders TWO=users\n" in (DOCS / "first-deploy.md").read_text()
    exports = f"export ONE=users TWO={TABLES[0]} GLUE_DDB_CRAWLER_INCLUDE=users,{TABLES[0]}\n"
    switches = [part for name, position in account.items() for part in ("--unknown", f"{name}={position}")]
    settled = {}
    with shell_of(binary, tmp_path, *switches) as (endpoint, shell):

        def crawls_ended():
            return all(crawler["State"] == "READY" for crawler in endpoint.client("glue").get_crawlers()["Crawlers"])

        for heading in headings("first-deploy.md"):
            if heading.startswith("4."):
                shell(exports + "glue-ddb-crawler sync --wait --quiet")
            for block in commands("first-deploy.md", heading):
                script = without_the_function(block)
                exports += "".join(re.findall(r"^export .*\n", script, flags=re.M))
                wait_for(crawls_ended)
                if script == "glue-ddb-crawler doctor\n":
                    found = json.loads(shell(exports + "glue-ddb-crawler doctor --output json || test $? = 1"))
                    settled |= {each["name"]: each["position"] for each in found["unknowns"] if each["position"]}
                    continue
                if script.startswith("aws glue start-crawler") and settled["sends-source-account"] == "yes":
                    continue
                told = shell(exports + f"( {script}) 2>&1 || echo refused" if script else "true")
                if "sts assume-role" in script:
                    settled["reader-denied"] = "yes" if "AccessDenied" in told else "no"
                elif "strict.json" in script:
                    wait_for(crawls_ended)
                    crawl = endpoint.client("glue").get_crawler(Name="users_crawler")["Crawler"]["LastCrawl"]
                    settled["sends-source-account"] = "yes" if crawl["Status"] == "SUCCEEDED" else "no"
                else:
                    assert "refused" not in told, told
        wait_for(crawls_ended)
        shell(exports + "glue-ddb-crawler sync --no-start --quiet")
        found = json.loads(shell(exports + "glue-ddb-crawler doctor --output json"))
    assert settled == account
    assert {check["state"] for check in found["checks"]} == {"fine"}, found["checks"]


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
