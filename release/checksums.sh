#!/usr/bin/env bash
# Writes SHA256SUMS into a folder of release files: `sha256sum -c SHA256SUMS` there tells whether they are what was built.
set -euo pipefail
cd "$1"
rm -f SHA256SUMS
sums=$(sha256sum -- *)
echo "$sums" >SHA256SUMS
