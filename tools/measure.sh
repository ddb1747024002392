#!/bin/sh
# Run pytest with the given arguments, and measure every Python of .venv while it runs: also
# children that get an environment of their own, other accounts, and the root part.
#
# coverage's own "patch = subprocess" passes a variable down, which a child with an exact
# environment never sees; so a line in site-packages does it here, for as long as this runs.
# A child whose speed is the point gets SHIPWAY_UNMEASURED.
set -eu
cd "$(dirname "$0")/.."

here=$(pwd)
data=$here/.venv/coverage
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
hook=$site/shipway_coverage.pth

mkdir -p "$data"
chmod 1777 "$data"
cat >"$data/rc" <<RC
[run]
branch = true
parallel = true
sigterm = true
source = $here/src/shipway
data_file = $data/.coverage
disable_warnings = no-data-collected, module-not-imported, couldnt-parse
RC

trap 'rm -f "$hook"' EXIT
trap 'exit 130' INT TERM
cat >"$hook" <<HOOK
import os; "SHIPWAY_UNMEASURED" in os.environ or (os.environ.setdefault("COVERAGE_PROCESS_START", "$data/rc"), __import__("coverage").process_startup())
HOOK
# Children that may not write bytecode would compile all of it at each start.
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m compileall -q src
result=0
.venv/bin/python -m pytest "$@" || result=$?
exit "$result"
