"""Few descriptors, by a hard limit: 200 tables are crawled, and 100 idle connections keep nobody from being served."""

import contextlib
import json
import socket
import urllib.parse

from lab import limits, make_table
from raw import Raw

TABLES = 200
IDLE = 100
LIMITS = (64, 128, 256)


def check(lab, tally):
    tables = lab.directory("tables")
    for number in range(TABLES):
        make_table(tables, f"T{number:03}", [json.dumps({"id": {"S": str(n)}, "n": {"N": str(n)}}) for n in range(3)])
    for limit in LIMITS:
        done = lab.sync(tables, lab.directory("state"), preexec_fn=limits(descriptors=limit)).wait(180)
        tally.hung += done.code is None
        summary = (done.report() or {}).get("summary", {})
        right = done.code == 0 and summary.get("crawled") == TABLES and summary.get("failed") == 0
        tally.expect(right, f"sync of {TABLES} tables with {limit} descriptors: {summary} {done}")
        crowded(lab, tally, tables, limit)
    tally.done.append(f"{TABLES} tables and {IDLE} idle connections with {', '.join(map(str, LIMITS))} descriptors")


def crowded(lab, tally, tables, limit):
    """A server with more idle connections than it can have open, and clients that come after them."""
    with lab.serve(lab.directory("state"), "--tables", tables, preexec_fn=limits(descriptors=limit)) as server:
        address = urllib.parse.urlparse(server.url)
        with contextlib.ExitStack() as idle:
            for _ in range(IDLE):
                idle.enter_context(socket.create_connection((address.hostname, address.port), timeout=10))
            for number in range(20):
                try:
                    raw = Raw(server.url, timeout=20)
                    raw.glue("GetDatabases")
                    raw.dynamodb("Scan", TableName=f"T{number:03}")
                    raw.close()
                except OSError as error:
                    tally.hung += 1
                    tally.expect(
                        False, f"{limit} descriptors, {IDLE} idle connections: request {number} is not served: {error}"
                    )
                    return
            # Nothing but the program's own clients: their connections are new, and those that are idle give way.
            done = lab.run("sync", "--wait", "--include", "T00*", endpoint=server.url, seconds=120)
            tally.hung += done.code is None
            tally.expect(done.code == 0, f"sync to a crowded server with {limit} descriptors: {done}")
