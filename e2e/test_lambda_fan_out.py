"""One crawl by many invocations: the state machine that the template makes, executed by MiniStack's Step Functions."""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import random
import signal
import threading

import pytest

from conftest import ACCOUNT, REGION, client_environment, wait_for
from stack import REQUEST, create_table, run
from test_export import COLUMNS, ITEMS, bucket, put_export  # noqa: F401

TABLE = "Ledger"
COUNT = 1500
DATABASE = "shards_tables"


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
        """What became of the shards: their executions."""
        (run,) = self.client.list_map_runs(executionArn=self.arn)["mapRuns"]
        return self.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]

    def failures(self):
        """Errors of invocations, whether or not they were tried again."""
        found = []
        for arn in [self.arn, *(child["executionArn"] for child in self.children())]:
            events = self.client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
            found += [event for event in events if "Failed" in event["type"]]
        return found


class Door(http.server.BaseHTTPRequestHandler):
    """Passes requests on, as they were signed; after some, scans wait until it is opened."""

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        if self.headers["X-Amz-Target"].endswith(".Scan"):
            with server.lock:
                server.scans += 1
                waits = server.scans > server.free and not server.opened.is_set()
                server.held += waits
            if waits:
                server.opened.wait(60)
        connection = http.client.HTTPConnection(server.behind, timeout=60)
        connection.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        with contextlib.suppress(OSError):  # whoever asked may be dead
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def holding(url, free):
    """A door before the endpoint `url`, which lets the first `free` scans pass."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.behind, server.free = url.removeprefix("http://"), free
    server.lock, server.opened, server.scans, server.held = threading.Lock(), threading.Event(), 0, 0
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.opened.set()
        server.shutdown()
        server.server_close()


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


def test_shards_find_what_one_process_finds_though_workers_die(account, shards, ledger, binary, tmp_path):
    with holding(account.url, 20) as door, shards.environment(AWS_ENDPOINT_URL_DYNAMODB=door.url):
        execution = Execution(shards, {"table": TABLE})
        wait_for(lambda: door.held >= 4, 60)
        for worker in workers("shards"):
            os.kill(worker, signal.SIGKILL)
        door.opened.set()
        report = execution.report()
    (line,) = report["tables"]
    assert (line["outcome"], line["read"]["items"], line["read"]["complete"]) == ("crawled", COUNT, True)
    assert line["schema"]["name"] == "shards_tables.ledger"
    children = execution.children()
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 4
    assert len(execution.failures()) >= 4, "no worker died"

    environment = client_environment(account.url)
    environment |= {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_ENDPOINT_URL_GLUE": account.glue_url}
    environment |= {"GLUE_DDB_CRAWLER_DATABASE": "alone", "GLUE_DDB_CRAWLER_REGISTRY": "alone", "AWS_REGION": REGION}
    run([binary, "crawl", TABLE], environment, cwd=tmp_path)
    columns, _ = catalogued(account, "alone", "ledger")
    assert ("only", "array<double>") in columns
    assert catalogued(account, DATABASE, "ledger") == catalogued(account, "alone", "ledger")
    run([binary, "prune", "--all", "--yes"], environment, cwd=tmp_path)


def test_an_export_is_read_in_shards(account, shards, bucket):  # noqa: F811
    account.client("dynamodb").create_table(TableName="shop-shards", BillingMode="PAY_PER_REQUEST", **REQUEST)
    lines = [json.dumps({"Item": item}) for item in ITEMS]
    put_export(bucket, "shop-shards", [lines[at : at + 50] for at in range(0, 500, 50)])
    report = Execution(shards, {"table": "shop-shards", "export": "s3://exports/shop-shards"}).report()
    (line,) = report["tables"]
    assert (line["outcome"], line["items"]) == ("crawled", 500)
    assert "dynamodb:Scan" not in report["calls"]
    assert catalogued(account, DATABASE, "shop_shards")[0] == COLUMNS


def test_what_is_wrong_with_the_input_fails_at_once(shards):
    for order, error in (
        ({"table": "missing"}, "NotFound"),
        ({"table": TABLE, "max_rcus": 1}, "Settings"),
        ({"table": TABLE, "export": "s3://another/export"}, "AccessDenied"),
    ):
        ended = Execution(shards, order).ended()
        assert (ended["status"], ended["error"]) == ("FAILED", error), ended
