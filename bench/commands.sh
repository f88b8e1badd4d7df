#!/usr/bin/env bash
# Times whole commands of the release binary: `infer` on 1,000,000 order-like items, plain and gzipped, with peak memory and next to
# wc and gunzip on the same file; and the quick start, first run and second. Each answer is checked.
set -euo pipefail
cd "$(dirname "$0")"
bin=../target/release/glue-ddb-crawler
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo run --quiet --release --locked -- write orders 1000000 >"$work/orders.jsonl"
gzip -1 -k "$work/orders.jsonl"

timed() { # NAME COMMAND...: seconds and peak memory of the best of three
  local name=$1 best=
  shift
  for _ in 1 2 3; do
    /usr/bin/time -o "$work/time" -f '%e %M' "$@" >"$work/out"
    best=$( (echo "$best"; cat "$work/time") | grep . | sort -n | head -1)
  done
  awk -v name="$name" -v bytes="$(stat -c %s "$work/orders.jsonl")" \
    '{printf "%-34s %6.2f s  %6.0f MB/s  %6.1f MB peak\n", name, $1, bytes / 1e6 / $1, $2 / 1024}' <<<"$best"
}
checked() { grep -q '"items": 1000000' "$work/out" && [ "$(grep -c '"name"' "$work/out")" = "$columns" ]; }

grep -m1 'model name' /proc/cpuinfo
rustc --version
ls -l "$work" | awk '/orders/ {print $9, $5, "bytes"}'
columns=$("$bin" infer "$work/orders.jsonl" | grep -c '"name"')
timed 'infer, plain' "$bin" infer "$work/orders.jsonl" && checked
timed 'infer, gzip' "$bin" infer "$work/orders.jsonl.gz" && checked
timed 'wc -l' wc -l "$work/orders.jsonl"
timed 'gunzip' gzip -dc "$work/orders.jsonl.gz"
for run in first second; do
  /usr/bin/time -o "$work/time" -f '%e %M' "$bin" sync --local ../examples/tables --state "$work/state" --wait -q >"$work/out"
  grep -q '8 crawled' "$work/out"
  awk -v run="$run" '{printf "%-34s %6.2f s  %6.1f MB peak\n", "quick start, " run " run", $1, $2 / 1024}' "$work/time"
done
