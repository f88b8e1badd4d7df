#!/usr/bin/env bash
# Times `crawl --export` of an export of 3 GB of DynamoDB JSON, or as many as the argument says, made on the fly: peak memory,
# and time next to gunzip's with as many processes as there are cores. The items are counted.
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
cargo run --quiet --release --locked -- write orders $items | sed 's/.*/{"Item":&}/' >"$work/text"
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

timed() { # NAME COMMAND...
  local name=$1
  shift
  /usr/bin/time -o "$work/time" -f '%e %U %M' "$@" >"$work/out"
  awk -v name="$name" -v bytes="$bytes" \
    '{printf "%-26s %7.2f s  %6.0f MB/s  %7.2f s CPU  %6.1f MB peak\n", name, $1, bytes / 1e6 / $1, $2, $3 / 1024}' "$work/time"
}

grep -m1 'model name' /proc/cpuinfo
rustc --version
echo "$cores cores, $files files, $((items * files)) items, $bytes bytes, $(($(stat -c %s "$work/data.gz") * files)) compressed"
timed 'crawl --export' "$bin" crawl --export "$work" --local "$work/tables" --state "$work/state" --output json -q
grep -q "\"items\": $((items * files))" "$work/out"
timed "gunzip, $cores processes" xargs -P "$cores" -n 1 -a <(ls -d "$export"/data/*) sh -c 'gzip -dc "$0" >/dev/null'
