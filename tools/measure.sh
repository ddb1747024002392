#!/bin/sh
# Run pytest with the given arguments, and measure every Python of .venv while it runs: also
# children that get an environment of their own, other accounts, and the root part.
#
# coverage's own "patch = subprocess" passes a variable down, which a child with an exact
# environment never sees; so a line in site-packages does it here, for as long as this runs.
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
printf 'import os; os.environ.setdefault("COVERAGE_PROCESS_START", "%s"); %s\n' \
    "$data/rc" 'import coverage; coverage.process_startup()' >"$hook"
result=0
.venv/bin/python -m pytest "$@" || result=$?
exit "$result"
