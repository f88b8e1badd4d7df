#!/usr/bin/env bash
# Times `crawl --export` of an export of 3 GB of DynamoDB JSON, or as many as the argument says, made on the fly: peak memory, which
# may not be over 64 MB, and time next to gunzip's, and to that of the same library and nothing else, both with as many processes as
# there are cores. The items are counted.
# The data files are links to one of 100 MB: each is read, decompressed and checked as a file of its own, from the page cache.
set -euo pipefail
cd "$(dirname "$0")"
bin=$PWD/../target/release/glue-ddb-crawler
gigabytes=${1:-3}
cores=$(nproc)
id=01693685827463-2d8752fd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export=$work/AWSDynamoDB/$id
mkdir -p "$export/data" "$work/tables"

items=118000 files=$((gigabytes * 10))
cargo build --quiet --release --locked -p bench -p decompress
own=$(realpath "${CARGO_TARGET_DIR:-target}")/release
"$own/bench" write orders $items | sed 's/.*/{"Item":&}/' >"$work/text"
bytes=$(($(stat -c %s "$work/text") * files))
gzip -6 <"$work/text" >"$work/data.gz"
rm "$work/text"
md5() { openssl md5 -binary | base64; }
sum=$(md5 <"$work/data.gz")
for i in $(seq $files); do
  ln "$work/data.gz" "$export/data/$i.json.gz"
  echo "{\"itemCount\":$items,\"md5Checksum\":\"$sum\",\"dataFileS3Key\":\"AWSDynamoDB/$id/data/$i.json.gz\"}"
done >"$export/manifest-files.json"
arn=arn:aws:dynamodb:us-east-1:123456789012:table/orders
cat >"$export/manifest-summary.json" <<END
{"exportArn":"$arn/export/$id","tableArn":"$arn","manifestFilesS3Key":"AWSDynamoDB/$id/manifest-files.json",
 "itemCount":$((items * files)),"outputFormat":"DYNAMODB_JSON"}
END
for manifest in files summary; do
  md5 <"$export/manifest-$manifest.json" >"$export/manifest-$manifest.md5"
done
echo '{"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}' \
  >"$work/tables/orders.json"

wrong() { # WHAT
  echo "bench/export.sh: $1" >&2
  exit 1
}
timed() { # NAME COMMAND...
  local name=$1
  shift
  /usr/bin/time -a -o "$work/times" -f "$name|%e|%U|%M" "$@" >"$work/out"
}

grep -m1 'model name' /proc/cpuinfo
rustc --version
echo "$cores cores, $files files, $((items * files)) items, $bytes bytes, $(($(stat -c %s "$work/data.gz") * files)) compressed"
ls -d "$export"/data/* >"$work/list"
timed 'crawl --export' "$bin" crawl --export "$work" --local "$work/tables" --state "$work/state" --output json -q
grep -q "\"items\": $((items * files))" "$work/out" || wrong 'crawl --export: a wrong number of items'
timed "zlib-rs alone, $cores processes" xargs -P "$cores" -n 1 -a "$work/list" "$own/decompress"
[ $(($(paste -sd + "$work/out"))) = "$bytes" ] || wrong 'zlib-rs alone: a wrong number of bytes'
timed "gunzip, $cores processes" xargs -P "$cores" -n 1 -a "$work/list" sh -c 'gzip -dc "$0" >/dev/null'
awk -F'|' -v bytes="$bytes" '
  NR == 1 {crawl = $2}
  {
    printf "%-28s %7.2f s  %6.0f MB/s  %7.2f s CPU  %6.1f MB peak", $1, $2, bytes / 1e6 / $2, $3, $4 / 1024
    print NR == 1 ? "" : sprintf("  crawl --export takes %.0f %% of its time", 100 * crawl / $2)
  }' "$work/times"
awk -F'|' 'NR == 1 && $4 > 64 * 1024 {exit 1}' "$work/times" || wrong 'crawl --export took over 64 MB of memory'
