#!/usr/bin/env bash
# What the speed of reading rests on, told by counts that are the same on a busy machine: allocations, and instructions per byte of
# each corpus. Where an instruction count sank for good, lower its limit to 5 % above it.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --quiet --release --locked
bin=${CARGO_TARGET_DIR:-target}/release/bench
"$bin" allocations

# Elsewhere the same code is other instructions; AVX2 is what simdutf8 looks for when it runs, which counts in `escaped`.
if [ "$(uname -sm)" != 'Linux x86_64' ] || ! grep -qw avx2 /proc/cpuinfo; then
  echo 'bench/gates.sh: SKIPPED: instructions are not counted here, the limits are those of Linux on x86-64 with AVX2' >&2
  exit
fi
command -v valgrind >/dev/null || {
  echo 'bench/gates.sh: valgrind is missing; on Debian: apt-get install valgrind' >&2
  exit 1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
while read -r corpus limit; do
  # Only what happens in `read`; how fast a corpus is made doesn't matter.
  bytes=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=bench::read \
    "$bin" once "$corpus" 2>"$log" | cut -d' ' -f2) || { cat "$log" >&2; exit 1; }
  instructions=$(sed -n 's/.*Collected : //p' "$log")
  awk -v corpus="$corpus" -v bytes="$bytes" -v instructions="$instructions" -v limit="$limit" 'BEGIN {
    reads = instructions / bytes
    printf "%-10s %6.2f instructions per byte, limit %s\n", corpus, reads, limit
    exit !(reads > 0 && reads <= limit)
  }' || { echo "bench/gates.sh: $corpus: not within its limit" >&2; failed=1; }
done <<'LIMITS'
orders 5.94
tiny 9.64
columns 5.08
sparse 10.68
deep 11.45
escaped 6.75
numbers 7.48
doubles 14.46
keys 12.92
binary 3.17
LIMITS
exit $failed
