"""One crawl by many invocations: the state machine that the template makes, executed by MiniStack's Step Functions."""

import contextlib
import json
import os
import pathlib
import random
import signal
import time

import pytest

from conftest import ACCOUNT, REGION, client_environment, wait_for
from stack import REQUEST, create_table, run
from test_export import COLUMNS, ITEMS, bucket, put_export  # noqa: F401

TABLE = "Ledger"
COUNT = 1500
DATABASE = "lanes_tables"


@pytest.fixture(scope="module")
def ledger(account):
    """2 MB of items: some attributes are in few of them, one is in a single one."""
    noise = random.Random(7)
    items = []
    for number in range(COUNT):
        item = {"id": {"S": f"{number}-{noise.random()}"}, "amount": {"N": str(noise.randrange(10**6) / 100)}}
        item["text"] = {"S": "x" * noise.randrange(1000, 2000)}
        if number % 100 == 0:
            item["Lines"] = {"L": [{"M": {"sku": {"S": "s"}, "n": {"N": str(number)}}}]}
        if number == 777:
            item["only"] = {"NS": ["1", "2.5"]}
        items.append(item)
    create_table(account, TABLE, [])
    dynamodb = account.client("dynamodb")
    for at in range(0, COUNT, 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[at : at + 25]]
        assert not dynamodb.batch_write_item(RequestItems={TABLE: puts})["UnprocessedItems"]


class Execution:
    """One execution of the state machine."""

    def __init__(self, stack, order):
        self.client = stack.account.client("stepfunctions")
        machine = stack.resources["CrawlMachine"]
        self.arn = self.client.start_execution(stateMachineArn=machine, input=json.dumps(order))["executionArn"]

    def described(self):
        return self.client.describe_execution(executionArn=self.arn)

    def ended(self):
        wait_for(lambda: self.described()["status"] != "RUNNING", 90)
        return self.described()

    def report(self):
        ended = self.ended()
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def children(self):
        """What became of the lanes: their executions."""
        (run,) = self.client.list_map_runs(executionArn=self.arn)["mapRuns"]
        return self.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]

    def failures(self):
        """Errors of invocations, whether or not they were tried again."""
        found = []
        for arn in [self.arn, *(child["executionArn"] for child in self.children())]:
            events = self.client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
            found += [event for event in events if "Failed" in event["type"]]
        return found


def workers(function):
    """Process ids of the function's programs."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (process / "environ").read_bytes().split(b"\0")
            if f"AWS_LAMBDA_FUNCTION_NAME={function}".encode() in environment:
                found.append(int(process.name))
    return found


def catalogued(account, database, name):
    """Columns and parameters of a catalog table, but for the names of its schema."""
    table = account.client("glue").get_table(DatabaseName=database, Name=name)["Table"]
    parameters = {key: value for key, value in table["Parameters"].items() if not key.startswith("schema")}
    return [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]], parameters


def test_lanes_find_what_one_process_finds_though_a_worker_dies(account, lanes, ledger, binary, tmp_path):
    execution = Execution(lanes, {"table": TABLE, "max_rcu": 100})
    # Four lanes have some four seconds to read.
    wait_for(lambda: len(workers("lanes")) >= 4, 30)
    time.sleep(1)
    os.kill(workers("lanes")[0], signal.SIGKILL)
    report = execution.report()
    (line,) = report["tables"]
    assert (line["outcome"], line["read"]["items"], line["read"]["complete"]) == ("crawled", COUNT, True)
    assert line["schema"]["name"] == "lanes_tables.ledger"
    children = execution.children()
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 4
    assert execution.failures(), "no worker died"

    environment = client_environment(account.url)
    environment |= {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_ENDPOINT_URL_GLUE": account.glue_url}
    run([binary, "crawl", TABLE, "--database", "alone", "--region", REGION], environment, cwd=tmp_path)
    columns, _ = catalogued(account, "alone", "ledger")
    assert ("only", "array<double>") in columns
    assert catalogued(account, DATABASE, "ledger") == catalogued(account, "alone", "ledger")


def test_an_export_is_read_in_lanes(account, lanes, bucket):  # noqa: F811
    account.client("dynamodb").create_table(TableName="shop-lanes", BillingMode="PAY_PER_REQUEST", **REQUEST)
    lines = [json.dumps({"Item": item}) for item in ITEMS]
    put_export(bucket, "shop-lanes", [lines[at : at + 50] for at in range(0, 500, 50)])
    report = Execution(lanes, {"table": "shop-lanes", "export": "s3://exports/shop-lanes"}).report()
    (line,) = report["tables"]
    assert (line["outcome"], line["items"]) == ("crawled", 500)
    assert "dynamodb:Scan" not in report["calls"]
    assert catalogued(account, DATABASE, "shop_lanes")[0] == COLUMNS


def test_what_is_wrong_with_the_input_fails_at_once(lanes):
    for order, error in (
        ({"table": "missing"}, "NotFound"),
        ({"table": TABLE, "max_rcus": 1}, "Settings"),
        ({"table": TABLE, "export": "s3://another/export"}, "AccessDenied"),
    ):
        ended = Execution(lanes, order).ended()
        assert (ended["status"], ended["error"]) == ("FAILED", error), ended
