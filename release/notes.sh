#!/usr/bin/env bash
# Prints the section of a version in CHANGELOG.md; fails if there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
awk -v heading="## [$1]" '
  /^## / { inside = index($0, heading) == 1; found = found || inside; next }
  inside
  END { exit !found }' CHANGELOG.md
