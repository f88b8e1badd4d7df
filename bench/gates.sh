#!/usr/bin/env bash
# What the speed of reading rests on, told by counts that are the same on a busy machine: allocations, and instructions per byte of
# each corpus, which may not rise over the limits below. Where they sank for good, lower the limits.
set -euo pipefail
cd "$(dirname "$0")"
command -v valgrind >/dev/null || {
  echo 'bench/gates.sh: valgrind is missing, so instructions are not counted; on Debian: apt-get install valgrind' >&2
  exit 1
}
cargo build --quiet --release --locked
bin=${CARGO_TARGET_DIR:-target}/release/bench
"$bin" allocations

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
while read -r corpus limit; do
  # Only what happens in `read`; how fast a corpus is made doesn't matter.
  bytes=$(valgrind --tool=callgrind --callgrind-out-file="$work/out" --toggle-collect=bench::read \
    "$bin" once "$corpus" 2>"$work/log" | cut -d' ' -f2)
  instructions=$(sed -n 's/.*Collected : //p' "$work/log")
  awk -v corpus="$corpus" -v bytes="$bytes" -v instructions="$instructions" -v limit="$limit" 'BEGIN {
    reads = instructions / bytes
    printf "%-10s %6.2f instructions per byte, limit %s\n", corpus, reads, limit
    exit !(reads > 0 && reads <= limit)
  }' || { echo "bench/gates.sh: $corpus takes more instructions than its limit" >&2; failed=1; }
done <<'LIMITS'
orders 6.5
tiny 10
columns 7
sparse 12
deep 13
escaped 7
numbers 7.5
doubles 16
keys 13
binary 3.3
LIMITS
exit $failed
