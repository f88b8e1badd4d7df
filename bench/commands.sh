#!/usr/bin/env bash
# Times whole commands of the release binary: `infer` on 1,000,000 order-like items, plain (on one thread, on all, and from the disk),
# in gzip, in zstd and in eight gzip files, with peak memory and next to wc, gunzip, and what the same libraries need to decompress the
# same files and nothing else, in turns; and the quick start, first run and second. Each answer is checked.
set -euo pipefail
cd "$(dirname "$0")"
bin=../target/release/glue-ddb-crawler
items=1000000
columns=15
cargo build --quiet --release --locked -p bench -p decompress
own=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
orders=$work/orders.jsonl
"$own/bench" write orders $items >"$orders"
gzip -1 -k "$orders"
zstd -q -3 -k "$orders"
bytes=$(stat -c %s "$orders")
mkdir "$work/parts"
split -n l/8 "$orders" "$work/parts/part-"
gzip -1 "$work"/parts/*

timed() { # NAME COMMAND...
  local name=$1
  shift
  /usr/bin/time -a -o "$work/times" -f "$name|%e|%M" "$@" >"$work/out"
}
wrong() { # NAME
  echo "bench/commands.sh: $1: a wrong answer" >&2
  exit 1
}
inferred() { # NAME FILE ARGUMENTS...
  local name=$1
  shift
  set -- "$name" "$bin" infer "$@"
  timed "$@"
  grep -q "\"items\": $items," "$work/out" && [ "$(grep -c '"name"' "$work/out")" = $columns ] || wrong "$1"
}
decompressed() { # NAME FILE
  timed "$1" "$own/decompress" "$2"
  [ "$(cat "$work/out")" = "$bytes" ] || wrong "$1"
}

# Eight files on two threads, as many at a time.
in_pairs() {
  printf '%s\n' "$work"/parts/* | xargs -n 1 -P 2 "$own/decompress" | awk '{sum += $1} END {printf "%.0f", sum}'
}
export -f in_pairs
export work own
forgotten() { # FILE: the next read comes from the disk.
  sync "$1"
  python3 -c 'import os, sys; os.posix_fadvise(os.open(sys.argv[1], os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)' "$1"
}

grep -m1 'model name' /proc/cpuinfo
echo "$(nproc) cores"
rustc --version
ls -l "$work" | awk '/orders/ {print $9, $5, "bytes"}'
for _ in 1 2 3 4 5; do
  inferred 'infer, plain, 1 thread' "$orders" --threads 1
  inferred 'infer, plain' "$orders"
  forgotten "$orders"
  inferred 'infer, plain, cold' "$orders"
  timed 'wc -l' wc -l "$orders"
  inferred 'infer, gzip' "$orders.gz"
  decompressed 'zlib-rs alone' "$orders.gz"
  timed 'gunzip' sh -c 'gzip -dc "$0" >/dev/null' "$orders.gz"
  inferred 'infer, 8 x gzip' "$work/parts"
  timed 'zlib-rs alone, 8 files, 2 at once' bash -c in_pairs
  [ "$(cat "$work/out")" = "$bytes" ] || wrong 'zlib-rs alone, 8 files'
  inferred 'infer, zstd' "$orders.zst"
  decompressed 'zstd alone' "$orders.zst"
done
# The best of each.
awk -F'|' -v bytes="$bytes" '
  !($1 in seconds) {names[++count] = $1; seconds[$1] = $2}
  $2 < seconds[$1] {seconds[$1] = $2}
  $3 > memory[$1] {memory[$1] = $3}
  END {
    for (i = 1; i <= count; i++) {
      name = names[i]
      printf "%-34s %6.2f s  %6.0f MB/s  %6.1f MB peak\n", name, seconds[name], bytes / 1e6 / seconds[name], memory[name] / 1024
    }
    printf "infer, plain: %.2f times as fast as on 1 thread\n", seconds["infer, plain, 1 thread"] / seconds["infer, plain"]
    printf "infer, 8 x gzip: %.0f %% of what zlib-rs alone allows\n", 100 * seconds["zlib-rs alone, 8 files, 2 at once"] / seconds["infer, 8 x gzip"]
    printf "infer, gzip: %.0f %% of what zlib-rs alone allows\n", 100 * seconds["zlib-rs alone"] / seconds["infer, gzip"]
    printf "infer, zstd: %.0f %% of what zstd alone allows\n", 100 * seconds["zstd alone"] / seconds["infer, zstd"]
  }' "$work/times"
for run in first second; do
  /usr/bin/time -o "$work/time" -f '%e %M' "$bin" sync --local ../examples/tables --state "$work/state" --wait -q >"$work/out"
  grep -q '8 crawled' "$work/out" || wrong "quick start, $run run"
  awk -v run="$run" '{printf "%-34s %6.2f s  %6.1f MB peak\n", "quick start, " run " run", $1, $2 / 1024}' "$work/time"
done
