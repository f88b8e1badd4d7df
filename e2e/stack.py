"""The application as SAM installs it: MiniStack is the account, `glue-ddb-crawler serve` its AWS Glue.

MiniStack runs with AUTH=true: it checks signatures, and enforces the policies of identities and permissions boundaries.
"""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config

from conftest import ACCOUNT, DATABASE, REGION, REPOSITORY, client_environment, running, serving, wait_for

TOOLS = REPOSITORY / ".tools"
TEMPLATE = REPOSITORY / "template.yaml"
FUNCTION = "sys-glue-ddb-crawler"
BUNDLE = os.environ.get("GLUE_DDB_CRAWLER_BUNDLE")
# What cargo needs of whoever runs the checks; taken before the environment is cleared.
BUILDER = os.environ | {"PATH": f"{TOOLS / 'sam' / 'bin'}:{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}


def sam_environment(directory, endpoint="http://127.0.0.1:9"):
    """The whole environment of `sam` and `cfn-lint`: an account, and no settings of whoever runs the checks."""
    return client_environment(endpoint) | {
        "PATH": f"{TOOLS / 'sam' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(directory),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "1",
    }


def run(command, environment, cwd=REPOSITORY, timeout=120):
    """What the command printed; its failure fails the test with all that it said."""
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr


@dataclass
class Account:
    """One AWS account in one region: everything but Glue is MiniStack's."""

    url: str
    glue_url: str

    def client(self, service, **credentials):
        """A boto3 client; of the account's root user, unless credentials are given."""
        credentials = credentials or {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "any"}
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
        url = self.glue_url if service == "glue" else self.url
        return boto3.client(service, endpoint_url=url, region_name=REGION, config=config, **credentials)


@dataclass
class Stack:
    """A deployed stack."""

    account: Account
    name: str
    directory: pathlib.Path
    resources: dict  # logical id -> physical id
    policies: dict  # name -> document: the inline policies of the function's role, as the template says them

    def invoke(self, payload, error=False):
        """What `aws lambda invoke` writes to its file; an error of the function fails the test, unless asked for."""
        answer = self.directory / "answer.json"
        command = [pathlib.Path(sys.executable).with_name("aws"), "lambda", "invoke", "--output", "json"]
        command += ["--function-name", self.resources["Function"], "--payload", json.dumps(payload), str(answer)]
        said = run(command, client_environment(self.account.url) | {"AWS_ACCESS_KEY_ID": ACCOUNT})
        text = answer.read_text()
        assert ("FunctionError" in json.loads(said)) == error, text
        return json.loads(text)

    def call(self, payload):
        """The answer of the function, an error too, as boto3 gets it: quicker than the AWS CLI."""
        answer = self.account.client("lambda").invoke(
            FunctionName=self.resources["Function"], Payload=json.dumps(payload).encode()
        )
        return json.load(answer["Payload"])

    def allow_all_but(self, action=None):
        """Gives the function's role its policies as MiniStack can judge them, without one action."""
        for name, document in self.policies.items():
            document = json.dumps(without(for_ministack(document), action))
            role = self.resources["FunctionRole"]
            self.account.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)

    def settings(self):
        """The environment in which the program works on this account with the settings of the stack."""
        functions, name = self.account.client("lambda"), self.resources["Function"]
        settings = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        del settings["GLUE_DDB_CRAWLER_LOG"]
        urls = {"AWS_ENDPOINT_URL_GLUE": self.account.glue_url}
        return sam_environment(self.directory, self.account.url) | settings | urls

    @contextlib.contextmanager
    def environment(self, **variables):
        """The function with these variables as well, for a while."""
        functions, name = self.account.client("lambda"), self.resources["Function"]
        before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": before | variables})
        try:
            yield
        finally:
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})


def deploy(account, built, directory, name, *overrides):
    """`sam deploy` of what was built, with the samconfig.toml of the repository."""
    environment = sam_environment(directory, account.url)
    command = ["sam", "deploy", "--template-file", built / "template.yaml", "--stack-name", name]
    command += ["--config-file", REPOSITORY / "samconfig.toml"]
    run([*command, "--parameter-overrides", "Architecture=x86_64", *overrides], environment)
    listed = account.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    resources = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}
    stack = Stack(account, name, directory, resources, inline_policies(account, resources["FunctionRole"]))
    stack.allow_all_but()
    return stack


def inline_policies(account, role):
    """Name -> document."""
    iam = account.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}


def for_ministack(policy):
    """The policy without what MiniStack does not know of IAM's own requests: the path of a role (it asks for
    `role/NAME`), and the condition keys of IAM and of roles' tags."""
    rewritten = json.loads(json.dumps(policy))
    for statement in rewritten["Statement"]:
        if not actions_of(statement)[0].startswith("iam:"):
            continue
        statement["Resource"] = re.sub(r":role/glue-ddb-crawler/", ":role/", statement["Resource"])
        conditions = {
            operator: {key: value for key, value in keys.items() if not key.startswith(("iam:", "aws:ResourceTag/"))}
            for operator, keys in statement.pop("Condition", {}).items()
        }
        if conditions := {operator: keys for operator, keys in conditions.items() if keys}:
            statement["Condition"] = conditions
    return rewritten


def without(policy, action):
    """The policy without one action."""
    statements = [
        statement | {"Action": [each for each in actions_of(statement) if each != action]}
        for statement in policy["Statement"]
    ]
    return policy | {"Statement": [statement for statement in statements if statement["Action"]]}


def actions_of(statement):
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def account_running(binary, directory):
    """MiniStack and `serve`, each with the other's address in its environment."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    behind = ("--dynamodb-endpoint", url, "--iam-endpoint", url)
    with serving(binary, directory, *behind, AWS_ACCESS_KEY_ID=ACCOUNT) as glue:
        environment = client_environment(url) | {
            "AUTH": "true",
            "AWS_ENDPOINT_URL_GLUE": glue.url,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "HOME": str(directory),
            "IOT_MTLS_ENABLED": "0",  # else it opens another port
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1",
            "MINISTACK_REGION": REGION,
            "STATE_DIR": str(directory),
            "TMPDIR": str(directory),
        }
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del environment[name]
        log = directory / "ministack.log"
        with running([TOOLS / "ministack" / "bin" / "ministack"], log, environment):
            deadline = time.monotonic() + 30
            while True:
                try:
                    urllib.request.urlopen(f"{url}/_ministack/health", timeout=5).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, f"MiniStack doesn't answer; its log:\n{log.read_text()[-4000:]}"
                    time.sleep(0.1)
            yield Account(url, glue.url)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """What `sam build` makes, for the processor of this machine's MiniStack, beside and not in the builder's own .aws-sam;
    GLUE_DDB_CRAWLER_BUNDLE names one that is there already."""
    if BUNDLE:
        return pathlib.Path(BUNDLE)
    directory = tmp_path_factory.mktemp("sam") / "build"
    command = ["sam", "build", "--build-dir", directory, "--parameter-overrides", "Architecture=x86_64"]
    run(command, BUILDER, timeout=3600)
    return directory


@pytest.fixture(scope="session")
def account(binary, tmp_path_factory):
    directory = tmp_path_factory.mktemp("account")
    with account_running(binary, directory) as account:
        yield account
    wait_for(lambda: not programs_in(directory), 10)


def programs_in(directory):
    """The programs from `directory` that run: MiniStack keeps each function's `bootstrap` there."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(process / "exe"))
    return [program for program in found if program.startswith(str(directory))]


@pytest.fixture(scope="session")
def nightly(account, built, tmp_path_factory):
    """A second installation beside the first, of other tables. Its night comes every minute, and its crawlers are called
    as those of the older installation."""
    overrides = ["FunctionName=nightly", "Include=nightly*", "Database=nightly_tables", "Registry=nightly"]
    overrides += ["CrawlerName=ddb_{table}_crawler", 'Schedule="rate(1 minute)"', "Concurrency=0", "ScanRate=0.5"]
    overrides += ["AlertEmail=ops@example.com", 'ContinueSchedule=""']
    # As docs/deploy.md has it: JSON within the quotes of SAM.
    overrides += [r'Settings="{\"max_running\": 3, \"on_update\": \"LOG\"}"']
    return deploy(account, built, tmp_path_factory.mktemp("nightly"), "nightly", *overrides)


@pytest.fixture(scope="session")
def native(account, built, tmp_path_factory):
    """A third one, which reads its tables itself."""
    overrides = ["FunctionName=native", "Include=Orders", "Database=native_tables", "Registry=native", "Engine=native"]
    return deploy(account, built, tmp_path_factory.mktemp("native"), "native", *overrides)


@pytest.fixture(scope="session")
def shards(account, built, tmp_path_factory):
    """A fourth one, whose state machine has one table read by many invocations."""
    overrides = ["FunctionName=shards", "Include=Ledger", "Database=shards_tables", "Registry=shards", "Engine=native"]
    overrides += ["Shards=4", "ExportBucket=exports", "ScanRate=1"]
    return deploy(account, built, tmp_path_factory.mktemp("shards"), "shards", *overrides)


@pytest.fixture(scope="session")
def stack(account, built, nightly, tmp_path_factory):
    """The application with the defaults of its parameters; the other installation's tables are not its own."""
    return deploy(account, built, tmp_path_factory.mktemp("stack"), FUNCTION, "Exclude=nightly*")


# ------------------------------------------------------------------------------------------------ what it is given to do

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


@pytest.fixture(scope="session")
def tables(account, nightly):
    """The tables of the first run; the nightly installation has one of its own."""
    create_table(account, "nightly-first", TABLES["people"][:3])
    for name, items in TABLES.items():
        create_table(account, name, items)


@pytest.fixture(scope="session")
def first_run(stack, tables):
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
