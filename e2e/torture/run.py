"""`make torture`: the checks in turn, a table of what they did, and with --record a dated record."""

import argparse
import importlib
import os
import random
import time
import traceback

import record
from lab import Lab, Tally

CHECKS = {
    "kills_serve": "serve killed under load",
    "kills_sync": "sync killed, then run to the end",
    "overlap": "2 and 8 syncs at once, some killed",
    "full_disk": "full disk",
    "descriptors": "few descriptors",
    "peers": "silent, slow and endless peers",
    "files": "hostile files",
    "pipes": "closed and full pipes",
}


def table(rows):
    lines = [f"{'CHECK':36} {'KILLS':>6} {'LOST':>5} {'HUNG':>5} {'FAILED':>7} {'SECONDS':>8}  DONE"]
    for title, tally, seconds in rows:
        lines.append(
            f"{title:36} {tally.kills:6} {tally.lost:5} {tally.hung:5} {len(tally.failures):7} {seconds:8.0f}  "
            + "; ".join(tally.done)
        )
    return lines


def total(rows):
    tallies = [tally for _, tally, _ in rows]
    return (
        "total",
        Tally(
            sum(tally.kills for tally in tallies),
            sum(tally.lost for tally in tallies),
            sum(tally.hung for tally in tallies),
            [],
            [failure for tally in tallies for failure in tally.failures],
        ),
        sum(seconds for *_, seconds in rows),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"{', '.join(CHECKS)}; all of them without")
    parser.add_argument(
        "--scale", type=float, default=1, help="so many times the usual number of kills; 1 is 200 kills and ten minutes"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--binary", default=os.environ.get("GLUE_DDB_CRAWLER_BIN"))
    parser.add_argument("--record", action="store_true", help="write e2e/record/DATE-torture.txt")
    chosen = parser.parse_args()
    if unknown := set(chosen.checks) - set(CHECKS):
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    if not chosen.binary:
        parser.error("no binary: --binary or GLUE_DDB_CRAWLER_BIN names it")

    print(f"seed {chosen.seed}, scale {chosen.scale:g}", flush=True)
    rows = []
    for name in chosen.checks or CHECKS:
        # Each has its own: one check more or less does not change what the others do.
        lab, tally = Lab(chosen.binary, chosen.scale, f"{chosen.seed}-{name}"), Tally()
        print(f"{CHECKS[name]} …", flush=True)
        started = time.monotonic()
        try:
            importlib.import_module(name).check(lab, tally)
        except Exception:  # a check that breaks is a check that failed; the others go on
            tally.expect(False, traceback.format_exc(limit=-4))
        rows.append((CHECKS[name], tally, time.monotonic() - started))
        lab.clear()
    everything = total(rows)
    lines = [*table(rows), *table([everything])[1:], "", f"seed {chosen.seed}, scale {chosen.scale:g}"]
    failures = [f"{title}: {failure}" for title, tally, _ in rows for failure in tally.failures]
    print("\n".join(lines))
    if chosen.record:
        print("written to", record.write("torture", lab, [*lines, *("FAILED " + failure for failure in failures)]))
    raise SystemExit(bool(failures or everything[1].lost or everything[1].hung))


if __name__ == "__main__":
    main()
