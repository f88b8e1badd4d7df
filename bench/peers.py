"""`peers.py FILE ITEMS COLUMNS`: the speed of `infer` as a command, and of the peers that come as Python packages, each on all of the
machine's cores."""

import json
import os
import pathlib
import subprocess
import sys
import time

import duckdb
import polars
import pyarrow.json

RUNS = 2
file, items, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def best(name, work):
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - start)
        assert answer == columns, (name, answer)
    print(f"{name:<38} {'all':>8} {os.path.getsize(file) / 1e6 / min(seconds):9.0f}", flush=True)


def of_infer():
    binary = pathlib.Path(__file__).parent.parent / "target" / "release" / "glue-ddb-crawler"
    answer = json.loads(subprocess.run([binary, "infer", file], stdout=subprocess.PIPE, check=True).stdout)
    assert answer["items"] == items
    return len(answer["columns"])


def of_duckdb():
    query = "DESCRIBE SELECT * FROM read_json(?, format = 'newline_delimited', sample_size = -1)"
    return len(duckdb.execute(query, [file]).fetchall())


def of_polars():
    return len(polars.scan_ndjson(file, infer_schema_length=None).collect_schema())


def of_pyarrow():
    table = pyarrow.json.read_json(file)
    assert table.num_rows == items
    return table.num_columns


best("glue-ddb-crawler infer", of_infer)
best(f"DuckDB {duckdb.__version__} read_json, all sampled", of_duckdb)
best(f"polars {polars.__version__} scan_ndjson, all sampled", of_polars)
best(f"pyarrow {pyarrow.__version__} read_json", of_pyarrow)
