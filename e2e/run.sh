#!/usr/bin/env bash
# Runs the outside checks against the built binary; arguments go to pytest. A skipped test counts as failed.
# GLUE_DDB_CRAWLER_BIN names another binary than the newest of target/release and target/debug.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/install.sh"
exec "$here/../.tools/e2e/python/bin/python" -m pytest -c "$here/pytest.ini" --rootdir "$here" "${@:-$here}"
