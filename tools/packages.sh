#!/bin/sh
# Install the given packages of Debian or Ubuntu, as root or with sudo; apt's own configuration
# says from where.
set -eu

say() { echo "packages: $*" >&2; }

command -v apt-get >/dev/null || { say "install by your system's own means: $*"; exit 1; }
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { say "as root: apt-get install $*"; exit 1; }
    as_root="sudo DEBIAN_FRONTEND=noninteractive"
fi
say "installing $* (missing)"
export DEBIAN_FRONTEND=noninteractive
install="$as_root apt-get install --yes --no-install-recommends --quiet=2 $*"
$install >/dev/null 2>&1 || { $as_root apt-get update --quiet=2 && $install >/dev/null; }
