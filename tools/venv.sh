#!/bin/sh
# Make a virtual environment in the folder $1 with $PYTHON (python3). Where Debian and Ubuntu have
# left python3-venv out, install it first; apt's own configuration says from where.
set -eu

folder=$1
python=${PYTHON:-python3}

say() { echo "venv: $*" >&2; }

command -v "$python" >/dev/null || { say "$python is not installed"; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "$("$python" --version) is too old; Shipway needs Python 3.11 or later (set PYTHON)"
    exit 1
}

if [ -x "$folder/bin/python" ] && "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$(dirname "$0")/packages.sh" python3-venv
fi

rm -rf "$folder"
"$python" -m venv "$folder"
