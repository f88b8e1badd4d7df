#!/usr/bin/env bash
# The Lambda function as `sam build` makes it: size, start, and invocations on the local endpoint with their time, memory and calls;
# beside it, on the same endpoint, the Python function that it replaces. Each answer is checked.
# Needs cargo-lambda and zig on the PATH. SOSW_EXAMPLES: a clone of github.com/sosw/sosw-examples; else one is made. SOSW_EXAMPLES=
# (empty) leaves the original out, which takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/../crates/lambda"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo lambda build --quiet --locked --release --bin sys-glue-ddb-crawler
bootstrap=../../target/lambda/sys-glue-ddb-crawler/bootstrap
python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED).write(sys.argv[2], "bootstrap")' "$work/bundle.zip" "$bootstrap"

clone=${SOSW_EXAMPLES-$work/sosw-examples}
if [ -n "$clone" ]; then
  [ -d "$clone" ] || git clone --quiet --depth 1 https://github.com/sosw/sosw-examples "$clone"
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check sosw boto3
  export ORIGINAL=$clone/helper_lambdas/sys_glue_ddb_crawler/src PYTHON=$work/venv/bin/python
  git -C "$clone" log -1 --format='original: sosw-examples %h' 2>/dev/null || echo "original: $clone"
  "$work/venv/bin/pip" list --format freeze --disable-pip-version-check | grep -E '^(sosw|boto3)=='
fi

grep -m1 'model name' /proc/cpuinfo
rustc --version
stat -c 'bootstrap %s bytes' "$bootstrap"
stat -c 'zipped    %s bytes' "$work/bundle.zip"
LAMBDA_BIN=$(realpath "$bootstrap") cargo bench --quiet --locked --bench lambda
