"""Hostile files beside a healthy table: a message, bounded memory and disk, and the other table is done."""

import gzip
import json
import os
import shutil

from lab import make_table

MEMORY_MB = 300  # of a debug build; the program without any table has 40
HEALTHY = [json.dumps({"id": {"S": str(n)}, "note": {"S": "well"}}) for n in range(50)]
GIANT = 200 << 20


def maps_in_maps(data):
    """10 MB of maps in maps, each of fewer names than make a struct a map, no two items with the same."""
    with open(data, "w") as file:
        for item in range(60):
            inner = {
                f"a{item}_{n}": {"M": {f"b{item}_{n}_{m}": {"M": {f"c{item}_{n}_{m}": {"N": "1"}}} for m in range(45)}}
                for n in range(60)
            }
            file.write(json.dumps({"id": {"S": str(item)}, "m": {"M": inner}}) + "\n")


def deep(data):
    """Nested deeper than any item of DynamoDB may be."""
    data.write_text('{"id":{"S":"1"},"m":' + '{"M":{"x":' * 100_000 + '{"S":"1"}' + "}}" * 100_000 + "}\n")


def giant_line(data):
    with open(data, "wb") as file:
        file.write(b'{"id":{"S":"')
        for _ in range(GIANT >> 20):
            file.write(b"a" * (1 << 20))


def members(data, chunk, times):
    """A gzip file of the same chunk again and again."""
    member = gzip.compress(chunk)
    with open(data, "wb") as file:
        for _ in range(times):
            file.write(member)


def gzip_line(data):
    members(data, b"a" * (64 << 20), 32)


def gzip_lines(data):
    line = b'{"id":{"S":"1"}}\n'
    members(data, line * ((16 << 20) // len(line)), 8)


def zstd_line(data):
    """94 KB that are 3 GB: blocks of one byte repeated."""
    block = ((128 << 10) << 3 | 1 << 1).to_bytes(3, "little") + b"a"
    data.write_bytes(b"\x28\xb5\x2f\xfd\x00\x58" + block * 24_000 + b"\x01\x00\x00")


# The end of the data file's name, how it is made, and whether its table may turn out well.
FILES = {
    "maps in maps": (".jsonl", maps_in_maps, True),
    "100,000 maps deep": (".jsonl", deep, False),
    "giant line": (".jsonl", giant_line, False),
    "gzip bomb, one line": (".jsonl.gz", gzip_line, False),
    "gzip bomb, many lines": (".jsonl.gz", gzip_lines, False),
    "cut off gzip": (".jsonl.gz", lambda data: data.write_bytes(gzip.compress(b"{}" * 1000)[:-9]), False),
    "binary": (".jsonl", lambda data: data.write_bytes(bytes(range(256)) * 100), False),
    "FIFO": (".jsonl", lambda data: os.mkfifo(data), False),
    "dangling link": (".jsonl", lambda data: data.symlink_to("nowhere"), False),
    "link to itself": (".jsonl", lambda data: data.symlink_to(data.name), False),
    "endless device": (".jsonl", lambda data: data.symlink_to("/dev/zero"), False),
    "folder": (".jsonl", lambda data: data.mkdir(), False),
}

# The command that keeps no copy may read all of these lines.
INFERRED = {"maps in maps", "gzip bomb, many lines"}


# The same in the place of a table's description.
DESCRIPTIONS = {
    "no JSON": lambda path: path.write_text("{nonsense"),
    "FIFO": os.mkfifo,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "giant": lambda path: path.write_text('{"TableName":"' + "a" * GIANT + '"}'),
}


def check_sync(lab, tally, tables, name, may_do):
    """A run over `tables`: how much memory it took, and how much disk is left of it."""
    make_table(tables, "Healthy", HEALTHY)
    state = lab.directory("state")
    done = lab.sync(tables, state).wait(90)
    tally.hung += done.code is None
    lines = {line["table"]: line for line in (done.report() or {}).get("tables", [])}
    healthy, hostile = lines.get("Healthy", {}), lines.get("Hostile", {})
    tally.expect(healthy.get("outcome") == "crawled", f"{name}: the other table is {healthy}; {done}")
    fails = hostile.get("outcome") == "failed" and hostile.get("reason") and done.code == 1
    well = may_do and hostile.get("outcome") == "crawled" and done.code == 0
    tally.expect(fails or well, f"{name}: sync tells {hostile}; {done}")
    tally.expect(done.peak_mb < MEMORY_MB, f"{name}: sync took {done.peak_mb:.0f} MB")
    left = sum(path.stat().st_size for path in state.rglob("*") if path.is_file())
    shutil.rmtree(state)
    return done.peak_mb, left


def check_data(lab, tally, name, suffix, make, may_do):
    tables = lab.directory("tables")
    make_table(tables, "Hostile", None)
    data = tables / f"Hostile{suffix}"
    make(data)
    peak, left = check_sync(lab, tally, tables, name, may_do)
    if suffix.endswith(".gz"):
        allowed = max(64 << 20, 100 * data.stat().st_size) + (32 << 20)
        tally.expect(left < allowed, f"{name}: {left >> 20} MB are left in the state")
    check_infer(lab, tally, name, data, name in INFERRED)
    shutil.rmtree(tables)
    return peak


def check_infer(lab, tally, name, data, may_do):
    done = lab.run("infer", data, seconds=90)
    tally.hung += done.code is None
    tally.expect(done.code in ((0, 1, 2) if may_do else (1, 2)), f"{name}: infer: {done}")
    tally.expect(done.code == 0 or done.err.strip(), f"{name}: infer says nothing: {done}")
    tally.expect(done.peak_mb < MEMORY_MB, f"{name}: infer took {done.peak_mb:.0f} MB")


def check(lab, tally):
    peaks = {name: check_data(lab, tally, name, *how) for name, how in FILES.items()}
    for kind, make in DESCRIPTIONS.items():
        name, tables = f"description: {kind}", lab.directory("tables")
        make(tables / "Hostile.json")
        peaks[name], _ = check_sync(lab, tally, tables, name, False)
        shutil.rmtree(tables)
    bomb = lab.directory("zstd") / "bomb.jsonl.zst"
    zstd_line(bomb)
    check_infer(lab, tally, "zstd bomb", bomb, False)
    highest = max(peaks, key=peaks.get)
    tally.done.append(f"{len(peaks) + 1} hostile files; highest memory {peaks[highest]:.0f} MB ({highest})")
