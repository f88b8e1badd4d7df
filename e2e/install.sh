#!/usr/bin/env bash
# Installs what the outside checks run, at the pinned versions: the clients and dynalite into .tools/e2e, SAM and cargo-lambda into
# .tools/sam, MiniStack into .tools/ministack, programs that read the catalog into .tools/readers, what AWS publishes of IAM into
# .tools/facts; apart, because they want different versions of the same libraries. Each runs again only when its pins or the
# interpreter changed. `e2e/install.sh engines` installs Hive's and Spark's parsers and DataHub too, into .tools/engines.
set -euo pipefail
cd "$(dirname "$0")"
tools=$(cd .. && pwd)/.tools

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
if [ "${1:-}" = engines ]; then
  need 'a JVM, 8 or later' 'on Debian: apt-get install openjdk-17-jre-headless' java -version
fi

pins() { # FILE...
  cat "$@" <(python3 --version) | sha256sum
}

outdated() { # FOLDER FILE...
  local folder=$1
  shift
  [ "$(cat "$tools/$folder/installed" 2>/dev/null)" != "$(pins "$@")" ]
}

environment() { # PATH REQUIREMENTS
  python3 -m venv "$tools/$1"
  "$tools/$1/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: -r "$2"
}

if outdated e2e requirements.txt package-lock.json; then
  echo "installing the clients of the outside checks into .tools/e2e (about 600 MB)"
  rm -rf "$tools/e2e"
  mkdir -p "$tools/e2e/node"
  environment e2e/python requirements.txt
  cp package.json package-lock.json "$tools/e2e/node/"
  # Without install scripts: the one there is would only look for a native store, and dynalite keeps its tables in memory.
  npm ci --prefix "$tools/e2e/node" --ignore-scripts --no-audit --no-fund --silent
  pins requirements.txt package-lock.json >"$tools/e2e/installed"
fi
for tool in sam ministack readers facts "$@"; do
  if outdated $tool requirements-$tool.txt; then
    echo "installing $tool into .tools/$tool (MB: sam 800, ministack 200, readers 140, facts 90, engines 620)"
    rm -rf "${tools:?}/$tool"
    environment $tool requirements-$tool.txt
    pins requirements-$tool.txt >"$tools/$tool/installed"
  fi
done
