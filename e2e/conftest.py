"""What the outside checks share: the built program as a user starts it, dynalite, and clients that see nothing else."""

import contextlib
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config

import client
from client import ACCOUNT, DATABASE, REGION, REPOSITORY, SAMPLES  # noqa: F401 - the checks have them from here

pytest_plugins = ["stack"]  # what only the checks of the SAM application need

SAMPLE_NAMES = sorted(path.stem for path in SAMPLES.glob("*.json"))
DYNALITE = REPOSITORY / ".tools" / "e2e" / "node" / "node_modules" / "dynalite" / "cli.js"
READERS = REPOSITORY / ".tools" / "readers" / "bin"  # programs that read the catalog, with their own libraries
# Every endpoint that is started here appends to it what goes over its wire; test_wire.py reads it last.
WIRE_LOG = pathlib.Path(tempfile.mkdtemp(prefix="glue-ddb-crawler-wire-")) / "wire.jsonl"


def pytest_sessionfinish(session):
    """A skipped check is a check that nobody made."""
    shutil.rmtree(WIRE_LOG.parent, ignore_errors=True)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def client_environment(endpoint=None):
    """The environment of a client, with the log of what goes over the wire."""
    return client.environment(endpoint, AWS_PAGER="", GLUE_DDB_CRAWLER_WIRE_LOG=str(WIRE_LOG))


@pytest.fixture(scope="session", autouse=True)
def own_environment():
    """This process is a client too: boto3 and awswrangler read its environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AWS_", "GLUE_DDB_CRAWLER_")) or name.lower().endswith("_proxy"):
                patch.delenv(name)
        for name, value in client_environment().items():
            patch.setenv(name, value)
        yield


def find_binary():
    """GLUE_DDB_CRAWLER_BIN, else the newest build; asked for before the environment is cleared."""
    if named := os.environ.get("GLUE_DDB_CRAWLER_BIN"):
        return pathlib.Path(named).resolve()
    builds = [REPOSITORY / "target" / profile / "glue-ddb-crawler" for profile in ("release", "debug")]
    built = [path for path in builds if path.exists()]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


BINARY = find_binary()


@pytest.fixture(scope="session")
def binary():
    if BINARY is None or not BINARY.exists():
        pytest.exit(
            "no glue-ddb-crawler to check: run `cargo build --release`, or set GLUE_DDB_CRAWLER_BIN", returncode=2
        )
    return BINARY


@dataclass
class Endpoint:
    """A running AWS endpoint and clients of it."""

    url: str

    def client(self, service, region=REGION):
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
        return boto3.client(service, endpoint_url=self.url, region_name=region, config=config)


@contextlib.contextmanager
def running(command, log, environment, cwd=None):
    """A server of our own: yields a queue of its lines on stdout, and ends it by its own process id."""
    with open(log, "wb") as stderr:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, env=environment, cwd=cwd or log.parent, text=True
        )
    lines = queue.Queue()

    def follow():
        for line in process.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=follow, daemon=True).start()
    try:
        yield lines
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def serving(binary, directory, *arguments, **variables):
    """`glue-ddb-crawler serve` on a free port, with state and log in `directory`, and `variables` in its environment."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "serve.log"
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--state", directory / "state", *arguments]
    with running(command, log, client_environment() | variables) as lines:
        try:
            line = lines.get(timeout=30)
        except queue.Empty:
            line = None
        prefix = "listening on http://127.0.0.1:"
        assert line and line.startswith(prefix), f"serve printed {line!r}; its log:\n{log.read_text()[-4000:]}"
        yield Endpoint(line.removeprefix("listening on "))


@contextlib.contextmanager
def dynalite_running(directory):
    """dynalite, in memory, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["node", DYNALITE, "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
    log = directory / "dynalite.log"
    with running(command, log, client_environment()):
        endpoint = Endpoint(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, f"dynalite doesn't answer; its log:\n{log.read_text()[-4000:]}"
                time.sleep(0.05)
        yield endpoint


@dataclass
class Program:
    """The command line program, run as a user does, in a directory of its own."""

    binary: pathlib.Path
    directory: pathlib.Path

    def run(self, *arguments, endpoint=None, exit_code=0):
        """The finished process; anything but the exit code asked for fails the test with what the program said."""
        done = subprocess.run(
            [self.binary, *arguments],
            env=client_environment(endpoint.url if endpoint else None),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == exit_code, (
            f"exit code {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
        return done

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, **options).stdout)


@pytest.fixture(scope="session")
def program(binary, tmp_path_factory):
    return Program(binary, tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def served(binary, tmp_path_factory):
    """A fresh endpoint over the sample tables, with an empty catalog, for one test file."""
    with serving(binary, tmp_path_factory.mktemp("served"), "--tables", SAMPLES) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def first_sync(binary, program, tmp_path_factory):
    """(endpoint, report) of one `sync --wait` over the sample tables."""
    with serving(binary, tmp_path_factory.mktemp("synced"), "--tables", SAMPLES) as endpoint:
        yield endpoint, program.json("sync", "--wait", "--output", "json", endpoint=endpoint)


@pytest.fixture(scope="session")
def synced(first_sync):
    """The endpoint after that run; read it, don't change it."""
    return first_sync[0]


@pytest.fixture(scope="session")
def first_report(first_sync):
    return first_sync[1]


@pytest.fixture(scope="session")
def aws():
    """The AWS CLI: `aws(endpoint, "glue", "get-tables", …)` is the parsed answer."""

    def run(endpoint, *arguments):
        command = [pathlib.Path(sys.executable).with_name("aws"), *arguments, "--output", "json"]
        done = subprocess.run(command, env=client_environment(endpoint.url), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def wait_for(condition, seconds=60):
    """Polls until `condition()` is true and returns what it returned."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return result
