#!/usr/bin/env bash
# The reader beside its peers on one file of order-like items, in one run on one machine; each answer is checked.
# `./peers.sh 400000`, after a release build, takes that many items; the Python packages are installed into .tools/bench, at the pinned versions.
set -euo pipefail
cd "$(dirname "$0")"
items=${1:-100000}
columns=15
tools=../.tools/bench
pins=$(cat requirements.txt <(python3 --version) | sha256sum)
if [ "$(cat "$tools/installed" 2>/dev/null)" != "$pins" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: -r requirements.txt
  echo "$pins" >"$tools/installed"
fi
cargo build --quiet --release --locked --workspace
bin=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$bin/bench" write orders "$items" >"$work/orders.jsonl"

grep -m1 'model name' /proc/cpuinfo
rustc --version
nproc | sed 's/$/ cores/'
echo "$items items, $(stat -c %s "$work/orders.jsonl") bytes"
{ "$bin/peers" "$work/orders.jsonl" "$items" $columns; "$tools/bin/python" peers.py "$work/orders.jsonl" "$items" $columns; } |
  awk 'NR == 1 {reader = $NF; printf "%-38s %8s %9s %14s\n", "", "threads", "MB/s", "Reader is x"}
    {printf "%s %14.1f\n", $0, reader / $NF; fflush()}
    / infer / && !infer {infer = $NF}
    /^(polars|pyarrow)/ {told = told sprintf("infer, the command, is %.1f times as fast as %s\n", infer / $NF, $1)}
    END {printf "%s", told}'
