"""What the checks share: the program as a user starts it, watched for time and memory, and clients of its endpoint."""

import contextlib
import json
import os
import pathlib
import queue
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

import boto3
from botocore.config import Config

from raw import Raw

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from client import ACCOUNT, DATABASE, REGION, REPOSITORY, SAMPLES, environment  # noqa: E402, F401 - the checks have them from here



@dataclass
class Tally:
    """What a check did and found. `lost` counts acknowledged writes and catalogs that are not as they should be, `hung`
    processes and requests without an end."""

    kills: int = 0
    lost: int = 0
    hung: int = 0
    done: list = field(default_factory=list)
    failures: list = field(default_factory=list)

    def expect(self, held, failure):
        if not held:
            self.failures.append(failure)
            print(f"    FAILED: {failure}", flush=True)
        return held


@dataclass
class Done:
    """A process that ended. `code` is negative for a signal, and None for one that was ended after its deadline."""

    code: int | None
    out: str
    err: str
    seconds: float
    peak_mb: float

    def __str__(self):
        end = "no end" if self.code is None else f"exit {self.code}"
        return (
            f"{end} after {self.seconds:.1f} s, peak {self.peak_mb:.0f} MB: {(self.err or self.out)[-600:].strip()!r}"
        )

    def report(self):
        """The report of a run, or None where it printed none."""
        with contextlib.suppress(ValueError):
            return json.loads(self.out)


def peak_mb(pid):
    """The most memory that a process had at once, as Linux counts it; 0 once it is gone."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def limits(descriptors=None, file_bytes=None):
    """For `preexec_fn`: limits that the program cannot raise. A write past `file_bytes` fails, as on a full disk."""

    def apply():
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        if file_bytes:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    return apply if descriptors or file_bytes else None


class Process:
    """A started program. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, lab, arguments, endpoint=None, preexec_fn=None, **streams):
        self.directory = lab.directory("process")
        self.started = time.monotonic()
        self.peak = 0.0
        with open(self.directory / "out", "wb") as out, open(self.directory / "err", "wb") as err:
            self.popen = subprocess.Popen(
                [lab.binary, *arguments],
                env=environment(endpoint),
                cwd=self.directory,
                preexec_fn=preexec_fn,
                stdin=streams.get("stdin", subprocess.DEVNULL),
                stdout=streams.get("stdout", out),
                stderr=streams.get("stderr", err),
            )

    def wait(self, seconds, memory_mb=2000):
        """Ends it after its deadline, and says so; ends it too before it takes this machine's memory."""
        deadline = self.started + seconds
        while self.popen.poll() is None and time.monotonic() < deadline and self.peak < memory_mb:
            self.peak = max(self.peak, peak_mb(self.popen.pid))
            time.sleep(0.01)
        hung = self.popen.poll() is None and time.monotonic() >= deadline
        self.kill()
        out, err = ((self.directory / name).read_text(errors="replace") for name in ("out", "err"))
        seconds = time.monotonic() - self.started
        shutil.rmtree(self.directory, ignore_errors=True)
        return Done(None if hung else self.popen.returncode, out, err, seconds, self.peak)

    def kill(self):
        self.popen.kill()
        self.popen.wait()

    def kill_after(self, seconds):
        """False if it had ended by itself before."""
        time.sleep(max(0, self.started + seconds - time.monotonic()))
        ended = self.popen.poll() is not None
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        return not ended


class Server:
    """`serve` on a free port; `url` is where it listens."""

    def __init__(self, lab, state, *arguments, preexec_fn=None, stderr=None, seconds=60):
        self.log = lab.directory("serve") / "log"
        with open(self.log, "wb") as log:
            self.popen = subprocess.Popen(
                [lab.binary, "serve", "--listen", "127.0.0.1:0", "--state", state, *arguments],
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=log if stderr is None else stderr,
                preexec_fn=preexec_fn,
                text=True,
            )
        lines = queue.Queue()
        threading.Thread(target=lambda: lines.put(self.popen.stdout.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            line = ""
        if not line.startswith("listening on "):
            self.kill()
            raise AssertionError(f"serve does not start: {line!r} {self.said()}")
        self.url = line.removeprefix("listening on ").strip()

    def said(self):
        return self.log.read_text(errors="replace")[-2000:]

    def client(self, service):
        """boto3's, without its retries: what is not acknowledged is not known."""
        return client(self.url, service)

    def raw(self, timeout=30):
        return Raw(self.url, timeout)

    def kill(self):
        self.popen.kill()
        self.popen.wait()
        self.popen.stdout.close()

    def stop(self, seconds=30):
        """Asked to end, as by Ctrl-C; False if it did not."""
        self.popen.terminate()
        try:
            self.popen.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Lab:
    """One run of the suite: the program, a folder for everything, randomness with a printed seed."""

    def __init__(self, binary, scale, seed):
        self.binary, self.scale, self.seed = pathlib.Path(binary).resolve(), scale, seed
        self.random = random.Random(seed)
        self.commit = commit()  # as of now: a run takes long
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="glue-ddb-crawler-torture-"))
        self.count = 0
        self.lock = threading.Lock()

    def clear(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def times(self, number):
        """So often at the scale asked for, and at least once."""
        return max(1, round(number * self.scale))

    def directory(self, name):
        with self.lock:
            self.count += 1
            path = self.root / f"{name}-{self.count}"
        path.mkdir()
        return path

    def start(self, *arguments, **options):
        return Process(self, arguments, **options)

    def run(self, *arguments, seconds=120, **options):
        return self.start(*arguments, **options).wait(seconds)

    def serve(self, state, *arguments, **options):
        return Server(self, state, *arguments, **options)

    def sync(self, tables, state, *arguments, **options):
        return self.start("sync", "--local", tables, "--state", state, "--output", "json", *arguments, **options)


def commit():
    """The commit that is checked out, with a word on changes that are in none."""
    git = ["git", "-C", REPOSITORY]
    name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "--", "crates"], capture_output=True, text=True).stdout
    return (name or "no commit") + (" with uncommitted changes" if changed else "")


def client(url, service):
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=4)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=url, region_name=REGION, config=config, **keys)


def make_table(folder, name, lines):
    """A table of the local endpoint with a string key `id`; `lines` are its items as text, or None for no data file."""
    description = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(description))
    if lines is not None:
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
