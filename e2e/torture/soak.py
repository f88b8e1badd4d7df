"""`make soak`: 64 clients on one `serve` for 30 minutes; memory and descriptors have to be flat after the first five.

Flat: of the samples after the warm-up (one each 10 s), the median of the last third is above that of the first third by
no more than 5 % or 4 MB of VmRSS, whichever is more, and by no more than 8 descriptors. Medians, since a crawl under way
has memory and files of its own."""

import argparse
import http.client
import os
import pathlib
import random
import statistics
import threading
import time

import record
from lab import DATABASE, SAMPLES, Lab, client
from raw import Raw, Refused

CLIENTS = 64
SAMPLE_EVERY = 10
TABLE_INPUT = {"TableType": "EXTERNAL_TABLE", "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string"}]}}


class Traffic:
    """What all clients did, and the errors that are none of the expected."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = 0
        self.unexpected = {}
        self.end = threading.Event()

    def count(self, error=None):
        with self.lock:
            self.requests += 1
            if error:
                self.unexpected[error] = self.unexpected.get(error, 0) + 1
                print(f"unexpected: {error}", flush=True)


# What a client may meet that others work on the same things.
EXPECTED = {
    "CrawlerRunningException",
    "ConcurrentModificationException",
    "EntityNotFoundException",
    "AlreadyExistsException",
}


def read(raw, rng, _):
    name = rng.choice(["airports", "onlineshop", "productcatalog", "treasury_ledger"])
    rng.choice(
        [
            lambda: raw.glue("GetTables", DatabaseName=DATABASE),
            lambda: raw.glue("GetTable", DatabaseName=DATABASE, Name=name),
            lambda: raw.glue("SearchTables", SearchText=name),
            lambda: raw.glue("GetTableVersions", DatabaseName=DATABASE, TableName=name, MaxResults=10),
            lambda: raw.glue("GetCrawlers"),
            lambda: raw.glue("ListSchemas"),
            lambda: raw.dynamodb("ListTables"),
            lambda: raw.dynamodb("Scan", TableName="ProductCatalog", Limit=20),
            lambda: raw.glue("GetTable", DatabaseName=DATABASE, Name="no_such_table"),
        ]
    )()


def write(raw, rng, number):
    """A table of its own, made, changed with and without a version kept, tagged through its database, and dropped."""
    database, name = "soak", f"table_{number}"
    table = TABLE_INPUT | {"Name": name, "Parameters": {"n": str(rng.random())}}
    what = rng.randrange(10)
    if what == 0:
        raw.glue("DeleteTable", DatabaseName=database, Name=name)
    elif what < 3:
        raw.glue("CreateTable", DatabaseName=database, TableInput=table)
    elif what == 3:
        arn = f"arn:aws:glue:us-east-1:123456789012:database/{database}"
        raw.glue("TagResource", ResourceArn=arn, TagsToAdd={f"t{number % 20}": str(rng.random())})
    else:
        raw.glue("UpdateTable", DatabaseName=database, TableInput=table, SkipArchive=what > 4)


def crawl(raw, rng, _):
    raw.glue("StartCrawler", Name=rng.choice(["OnlineShop", "ProductCatalog", "treasury_ledger"]) + "_crawler")


def act(url, number, traffic, pause, seed):
    """One client. Every other one keeps its connection, the rest make a new one each time, and so does the one that
    pauses for longer than a connection may be idle."""
    rng, raw = random.Random(seed + number), Raw(url)
    deed = crawl if number == 0 else write if number % 3 == 0 else read
    while not traffic.end.wait(rng.uniform(0, 2 * pause * (20 if deed is crawl else 1))):
        try:
            deed(raw, rng, number)
            traffic.count()
        except Refused as refused:
            traffic.count(None if refused.code in EXPECTED else str(refused)[:200])
        except (OSError, http.client.HTTPException) as error:
            traffic.count(f"{type(error).__name__}: {error}"[:200])
        if number % 2 or deed is crawl:
            raw.close()
    raw.close()


def synchronise(lab, url, traffic, every, reports):
    """A whole run against the endpoint now and then."""
    while not traffic.end.wait(every):
        done = lab.run("sync", "--wait", "--output", "json", endpoint=url, seconds=120)
        report = done.report()
        reports.append(done.code == 0 and report is not None and report["summary"]["failed"] == 0)
        if not reports[-1]:
            traffic.count(f"sync: {done}")


def measured(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return resident / 1024, len(os.listdir(f"/proc/{pid}/fd"))


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flat(samples):
    """The lines of the verdict, and whether both are flat."""
    third = max(1, len(samples) // 3)
    lines, held = [], True
    for index, what, slack in ((0, "VmRSS MB", lambda first: max(first * 0.05, 4)), (1, "descriptors", lambda _: 8)):
        values = [sample[index] for sample in samples]
        first, last = statistics.median(values[:third]), statistics.median(values[-third:])
        ok = last - first <= slack(first)
        held &= ok
        lines.append(
            f"{what}: median {first:.0f} in the first third, {last:.0f} in the last, "
            f"lowest {min(values):.0f}, highest {max(values):.0f}: {'flat' if ok else 'NOT FLAT'}"
        )
    return lines, held


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--warm-up", type=float, default=5, help="minutes that are not judged")
    parser.add_argument("--rate", type=float, default=40, help="requests a second of all clients together")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--binary", default=os.environ.get("GLUE_DDB_CRAWLER_BIN"), required=False)
    parser.add_argument("--record", action="store_true", help="write e2e/record/DATE-soak.txt")
    chosen = parser.parse_args()

    lab = Lab(chosen.binary, 1, chosen.seed)
    print(
        f"seed {chosen.seed}, {CLIENTS} clients, {chosen.rate:g} requests a second, {chosen.minutes:g} minutes",
        flush=True,
    )
    traffic, reports, samples = Traffic(), [], []
    with lab.serve(lab.root / "state", "--tables", SAMPLES) as server:
        client(server.url, "glue").create_database(DatabaseInput={"Name": "soak"})
        first = lab.run("sync", "--wait", endpoint=server.url)
        assert first.code == 0, first
        threads = [
            threading.Thread(target=act, args=(server.url, number, traffic, CLIENTS / chosen.rate, chosen.seed))
            for number in range(CLIENTS)
        ]
        threads.append(threading.Thread(target=synchronise, args=(lab, server.url, traffic, 30, reports)))
        for thread in threads:
            thread.start()
        began = time.monotonic()
        try:
            while (elapsed := time.monotonic() - began) < chosen.minutes * 60 and server.popen.poll() is None:
                time.sleep(SAMPLE_EVERY)
                samples.append((*measured(server.popen.pid), time.monotonic() - began))
                if len(samples) % 6 == 0:
                    resident, descriptors, at = samples[-1]
                    print(
                        f"{at / 60:5.1f} min  VmRSS {resident:6.1f} MB  descriptors {descriptors:4}  "
                        f"requests {traffic.requests}  unexpected {sum(traffic.unexpected.values())}",
                        flush=True,
                    )
        finally:
            traffic.end.set()
            for thread in threads:
                thread.join(150)
        alive = server.popen.poll() is None
        share = processor_seconds(server.popen.pid) / elapsed if alive else 0
        state = sum(path.stat().st_size for path in (lab.root / "state").rglob("*") if path.is_file()) / 1e6

    judged = [sample for sample in samples if sample[2] >= chosen.warm_up * 60] or samples
    verdict, held = flat(judged)
    held = held and alive and not traffic.unexpected and all(reports)
    lines = [
        f"{CLIENTS} clients, {elapsed / 60:.1f} minutes, seed {chosen.seed}: {traffic.requests} requests, "
        f"{len(reports)} runs of sync, {len(reports) - sum(reports)} of them failed, "
        f"{sum(traffic.unexpected.values())} unexpected errors; "
        f"the server took {share:.2f} of a core; its state is {state:.1f} MB",
        f"{len(judged)} samples after the first {chosen.warm_up:g} minutes",
        *verdict,
        *(f"unexpected, {count} times: {error}" for error, count in list(traffic.unexpected.items())[:20]),
        "held" if held else "NOT HELD",
    ]
    print("\n".join(lines))
    if chosen.record:
        print("written to", record.write("soak", lab, lines))
    lab.clear()
    raise SystemExit(not held)


if __name__ == "__main__":
    main()
