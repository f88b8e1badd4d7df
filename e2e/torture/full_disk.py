"""A full disk: a clear error, nothing acknowledged lost, and once there is space again everything goes on.

The disk is a small tmpfs where mounting is allowed, else a limit on the size of files."""

import contextlib
import signal
import subprocess

import catalog
import samples
from journal import ClientError, Roles, Tables, Tags, Versions
from lab import client, limits
from raw import Refused

ROUNDS = 6
DISK = 12 << 20
WORDS = ("full", "space", "disk")


class Disk:
    """A folder with little room. Where it is not `mounted`, one process has a limit on the size of files instead."""

    def __init__(self, lab):
        self.folder = lab.directory("disk")
        self.ballast = self.folder / "ballast"
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", self.folder]
        self.mounted = subprocess.run(mount, capture_output=True).returncode == 0
        self.limit = None

    def fill(self, leave):
        if not self.mounted:
            self.limit = limits(file_bytes=max(leave, 4096))
            return
        with contextlib.suppress(OSError), open(self.ballast, "wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
        with open(self.ballast, "r+b") as file:
            file.truncate(max(0, self.ballast.stat().st_size - leave))

    def free(self):
        self.ballast.unlink(missing_ok=True)
        self.limit = None

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=False)


def write_until_refused(lab, tally, writers):
    """Each writes until it is refused, and is told why."""
    for writer in writers:
        for _ in range(20_000):
            try:
                writer.step()
            except (Refused, ClientError) as refused:
                tally.expect(any(word in str(refused).lower() for word in WORDS), f"a full disk is told as {refused}")
                status = (
                    refused.status
                    if isinstance(refused, Refused)
                    else refused.response["ResponseMetadata"]["HTTPStatusCode"]
                )
                tally.expect(status >= 500, f"a full disk is told with the status {status}: {refused}")
                break
        else:
            tally.expect(False, f"{type(writer).__name__} was never refused")


def all_there(tally, writers, what):
    for writer in writers:
        for line in writer.lost():
            tally.lost += 1
            tally.expect(False, f"{what}: {line}")


def serve(lab, tally, disk, tables):
    state = disk.folder / f"serve-{lab.random.random()}"
    writers = [kind(lab.random, number) for number, kind in enumerate([Tables, Tables, Tags, Versions, Roles])]
    with lab.serve(state, "--tables", tables) as server:
        client(server.url, "glue").create_database(DatabaseInput={"Name": "torture"})
        client(server.url, "glue").create_registry(RegistryName="torture")
    if not disk.mounted:
        disk.fill(leave=600_000)
    server = lab.serve(state, "--tables", tables, preexec_fn=disk.limit)
    try:
        for writer in writers:
            writer.connect(server)
        disk.fill(leave=lab.random.choice([0, 20_000, 200_000]))
        write_until_refused(lab, tally, writers)
        disk.free()
        if disk.mounted:
            all_there(tally, writers, "space again")
            for writer in writers:
                for _ in range(20):
                    writer.step()
        tally.expect(server.popen.poll() is None, f"the server ended: {server.said()}")
    finally:
        server.kill()
    tally.kills += 1
    with lab.serve(state, "--tables", tables) as server:
        for writer in writers:
            writer.connect(server)
        all_there(tally, writers, "after a restart")
    return sum(writer.writes for writer in writers)


def sync(lab, tally, disk, tables, right, number):
    """Runs out of space anywhere and says so. It ends, or it waits to note the end of a crawl, until there is space
    again or it is interrupted. The next run finishes."""
    state = disk.folder / f"sync-{number}"
    disk.fill(leave=round(lab.random.uniform(0, 1.2e6)))
    process = lab.sync(tables, state, preexec_fn=disk.limit)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.popen.wait(15)
    waits = process.popen.poll() is None
    if waits and disk.mounted and number % 2:
        disk.free()
    elif waits:
        process.popen.send_signal(signal.SIGINT)
    done = process.wait(45)
    tally.hung += done.code is None
    said = (done.out + done.err).lower()
    tally.expect(done.code == 0 or any(word in said for word in WORDS), f"sync on a full disk: {done}")
    tally.expect(
        done.code in (0, 1, *([130] if waits else [])), f"sync on a full disk{', which waits' * waits}: {done}"
    )
    disk.free()
    again = lab.sync(tables, state).wait(60)
    tally.hung += again.code is None
    tally.expect(again.code == 0, f"sync with space again: {again}")
    differences = list(catalog.differences(right, catalog.of(lab, tables, state)))
    if waits:  # An interrupted run notes what it left. The note stays until a run that does not wait takes it away.
        differences = [line for line in differences if not line.startswith("/database/Parameters/backlogs")]
    tally.lost += bool(differences)
    tally.expect(not differences, f"the catalog after a full disk differs: {differences[:3]}")
    return done.code != 0 or waits


def check(lab, tally):
    tables = samples.cut(lab.directory("tables"), 60)
    state = lab.directory("state")
    assert lab.sync(tables, state).wait(60).code == 0
    right = catalog.of(lab, tables, state)
    written, failed = 0, 0
    for number in range(ROUNDS):
        disk = Disk(lab)
        try:
            written += serve(lab, tally, disk, tables)
        finally:
            disk.close()
        disk = Disk(lab)
        try:
            failed += sync(lab, tally, disk, tables, right, number)
        finally:
            disk.close()
    kind = "tmpfs" if disk.mounted else "limit of file sizes"
    tally.done.append(
        f"{ROUNDS} full disks ({kind}), {written} writes acknowledged before and after, {failed} runs cut off"
    )
