"""Standard output and error that nobody reads, that are closed, or full: the work is done all the same."""

import os
import subprocess

import catalog
import samples
from lab import SAMPLES


def gone():
    """A pipe whose reader went away, as that of `| head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def full():
    return os.open("/dev/full", os.O_WRONLY)


def closed(lab, descriptor, arguments):
    """As a shell's `2>&-`: the descriptor is not open at all."""
    script = f'exec "$0" "$@" {descriptor}>&-'
    return ["sh", "-c", script, str(lab.binary), *map(str, arguments)]


def check(lab, tally):
    tables = samples.cut(lab.directory("tables"), 60)
    state = lab.directory("state")
    assert lab.sync(tables, state).wait(60).code == 0
    right = catalog.of(lab, tables, state)
    runs = 0
    for stream in ("stdout", "stderr"):
        for name, make in (("whose reader is gone", gone), ("that is full", full)):
            for output in ("text", "json"):
                state, descriptor = lab.directory("state"), make()
                arguments = ("sync", "--local", tables, "--state", state, "--output", output, "-v")
                done = lab.run(*arguments, seconds=60, **{stream: descriptor})
                os.close(descriptor)
                runs += 1
                what = f"{output} to a {stream} {name}"
                tally.hung += done.code is None
                # A full standard output loses the report, which may be said by the exit code; nothing else may.
                allowed = (0, 1) if stream == "stdout" and make is full else (0,)
                tally.expect(done.code in allowed, f"{what}: {done}")
                finds(lab, tally, tables, state, right, what)
    for descriptor in (1, 2):
        state = lab.directory("state")
        command = closed(lab, descriptor, ("sync", "--local", tables, "--state", state))
        done = subprocess.run(command, capture_output=True, timeout=60, cwd=lab.root)
        runs += 1
        tally.expect(
            done.returncode == 0, f"descriptor {descriptor} closed: exit {done.returncode} {done.stderr[-300:]}"
        )
        finds(lab, tally, tables, state, right, f"descriptor {descriptor} closed")
    serve_goes_on(lab, tally)
    tally.done.append(f"{runs} runs, 2 servers")


def finds(lab, tally, tables, state, right, what):
    differences = list(catalog.differences(right, catalog.of(lab, tables, state)))
    tally.expect(not differences, f"{what}: {differences[:3]}")


def serve_goes_on(lab, tally):
    """A server whose log nobody takes answers every request, the refused ones too."""
    for name, make in (("whose reader is gone", gone), ("that is full", full)):
        descriptor = make()
        with lab.serve(lab.directory("state"), "--tables", SAMPLES, "-vv", stderr=descriptor) as server:
            os.close(descriptor)
            done = lab.run("sync", "--wait", endpoint=server.url)
            tally.expect(done.code == 0, f"serve with a stderr {name}: {done}")
            raw = server.raw()
            for _ in range(20):
                raw.glue("GetTables", DatabaseName="ddb_tables")
            tally.expect(server.popen.poll() is None, f"serve with a stderr {name} ended")
