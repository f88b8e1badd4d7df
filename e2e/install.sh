#!/usr/bin/env bash
# Installs the clients of the outside checks into .tools/e2e: a Python environment and dynalite, at the pinned versions.
# Runs again only when the pins or the interpreter changed.
set -euo pipefail
cd "$(dirname "$0")"
tools=$(cd .. && pwd)/.tools/e2e

need() { # WHAT HOW-TO-GET-IT COMMAND...
  local what=$1 how=$2
  shift 2
  "$@" >/dev/null 2>&1 || { echo "e2e/install.sh: $what is missing; $how" >&2; exit 1; }
}
need 'Python 3.11 or later' 'on Debian: apt-get install python3' \
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'
need "Python's venv module" 'on Debian: apt-get install python3-venv' python3 -c 'import ensurepip, venv'
need 'Node.js 20 or later' 'on Debian 13: apt-get install nodejs npm' \
  node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)'
need 'npm' 'on Debian: apt-get install npm' npm --version

wanted=$(cat requirements.txt package-lock.json <(python3 --version) | sha256sum)
if [ "$(cat "$tools/installed" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi
echo "installing the clients of the outside checks into .tools/e2e (about 600 MB)"
rm -rf "$tools"
mkdir -p "$tools/node"
python3 -m venv "$tools/python"
"$tools/python/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: -r requirements.txt
cp package.json package-lock.json "$tools/node/"
# Without install scripts: the one there is would only look for a native store, and dynalite keeps its tables in memory.
npm ci --prefix "$tools/node" --ignore-scripts --no-audit --no-fund --silent
echo "$wanted" >"$tools/installed"
