#!/usr/bin/env bash
# Checks what release/build.sh made, as people would use it: the wheel in an empty environment, the archive unpacked, the Lambda
# function's zip, the checksums, and that no binary needs a glibc newer than where it has to run.
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$PWD/target/dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { # WHAT
  echo "release/check.sh: $1" >&2
  exit 1
}

infers() { # PROGRAM
  local answer
  # No HOME, no PATH, no settings: nothing but the program.
  answer=$(env -i "$1" infer examples/tables/ProductCatalog.jsonl)
  python3 -c 'import json, sys; answer = json.loads(sys.argv[1]); sys.exit((len(answer["columns"]), answer["items"]) != (26, 130))' \
    "$answer" || fail "$1 infer: a wrong answer: $answer"
  echo "$("$1" --version): infers"
}

# The newest version of glibc of which the binary takes a symbol, and the shared libraries that it loads.
links() { # BINARY MOST
  local newest libraries
  newest=$(readelf --wide --version-info "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1) || fail "$1: takes nothing from glibc"
  newest=${newest#GLIBC_}
  [ "$(printf '%s\n' "$newest" "$2" | sort -V | tail -1)" = "$2" ] || fail "$1: needs glibc $newest, newer than $2"
  libraries=$(readelf --wide --dynamic "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  ! grep -vE '^(libc|libm|libdl|libpthread|librt|libutil|ld-linux[a-z0-9-]*)\.so\.[0-9]+$' <<<"$libraries" ||
    fail "$1: loads libraries that are not of glibc"
  echo "$(basename "$1"): needs glibc $newest, may need $2"
}

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$dist"/*.whl
infers "$work/venv/bin/glue-ddb-crawler"

tar -C "$work" -xzf "$dist"/*.tar.gz
folder=$(echo "$work"/glue-ddb-crawler-*)
infers "$folder/glue-ddb-crawler"
for file in completions/glue-ddb-crawler.bash completions/glue-ddb-crawler.fish completions/_glue-ddb-crawler \
  man/man1/glue-ddb-crawler.1 man/man1/glue-ddb-crawler-sync.1 README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do
  [ -s "$folder/$file" ] || fail "the archive lacks $file"
done

if [ "$(uname -s)" = Linux ]; then
  links "$folder/glue-ddb-crawler" 2.28
  zip=$(echo "$dist"/sys-glue-ddb-crawler-*.zip)
  [ "$(python3 -c 'import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist())' "$zip")" = bootstrap ] ||
    fail "$zip: holds something else than bootstrap"
  python3 -m zipfile -e "$zip" "$work/lambda"
  # The runtime provided.al2023 is Amazon Linux 2023.
  links "$work/lambda/bootstrap" 2.34
  # A function that took long to load would pay for it at every cold start.
  [ "$(stat -c %s "$zip")" -le 6000000 ] || fail "$zip: larger than 6 MB"

  cp -R "$dist" "$work/published"
  release/checksums.sh "$work/published"
  (cd "$work/published" && sha256sum --quiet -c SHA256SUMS)
  [ "$(wc -l <"$work/published/SHA256SUMS")" = "$(find "$dist" -type f | wc -l)" ] || fail 'a file has no checksum'
fi
[ "$(release/notes.sh Unreleased | wc -l)" -gt 1 ] || fail 'CHANGELOG.md has no section Unreleased'
echo 'release/check.sh: all is well'
