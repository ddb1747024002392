#!/bin/sh
# Prove the README on a machine that has nothing: a fresh minimal Debian 12 root, made by
# mmdebstrap, in mount, process, IPC and host name namespaces of its own. An ordinary user with
# sudo clones this repository's last commit there and runs the two commands of the README.
#
# Mirrors, proxies and certificates are the host's: its apt, pip and Go configuration is copied
# in, none is written here. The network namespace stays the host's, since a mirror or proxy may
# listen on its loopback; nothing in the room listens on a port that is not free.
#
# Usage: tools/clean-room.sh [make target]...      (default: demo test)
# ROOM names the folder (default /var/tmp/shipway-clean-room); KEEP=1 keeps it. With a folder in
# SHIPWAY_ENGINE_MIRROR the room takes prebuilt engines from there (docs/engines.md), to be quick.
set -eu

repo=$(cd "$(dirname "$0")/.." && pwd)
room=${ROOM:-/var/tmp/shipway-clean-room}
keep=${KEEP:-}
mirror=${SHIPWAY_ENGINE_MIRROR:-}
targets=${*:-demo test}
packages=python3,git,make,sudo,ca-certificates

say() { echo "clean-room: $*" >&2; }

as_root() {
    [ "$(id -u)" = 0 ] && return
    say "needs root for a root file system of its own"
    exec sudo --preserve-env=ROOM,KEEP,SHIPWAY_ENGINE_MIRROR "$repo/tools/clean-room.sh" "$@"
}

need_commit() {
    git -c safe.directory="$repo" -C "$repo" rev-parse --quiet --verify HEAD >/dev/null ||
        { say "nothing is committed yet: the room clones the last commit"; exit 1; }
    [ -z "$(git -c safe.directory="$repo" -C "$repo" status --porcelain)" ] ||
        say "note: what is not committed does not go into the room"
}

need_mmdebstrap() {
    command -v mmdebstrap >/dev/null && return
    say "installing mmdebstrap"
    apt-get install --yes --no-install-recommends --quiet=2 mmdebstrap >/dev/null ||
        { apt-get update --quiet=2 && apt-get install --yes --no-install-recommends mmdebstrap; }
}

# Print the host's apt sources that have Debian 12; without any, mmdebstrap's own default counts.
host_sources() {
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [ -f "$file" ] && grep -q '^[^#]*bookworm' "$file"; then echo "$file"; fi
    done
}

make_root() {
    say "making a minimal Debian 12 in $room"
    mkdir -p "$room"
    # What the host tells apt about the way to its mirrors, and no hook of the host's.
    apt-config dump | grep '^Acquire::' | grep -v '^Acquire::[A-Za-z]* ""' >"$room.apt" || true
    # shellcheck disable=SC2046  # one word a file
    mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt="$room.apt" \
        bookworm "$room/root" $(host_sources)
    mv "$room.apt" "$room/root/etc/apt/apt.conf.d/90host"
    cp -L /etc/resolv.conf /etc/hosts "$room/root/etc/"
    cp -a /etc/ssl/certs/ca-certificates.crt "$room/root/etc/ssl/certs/"
    cp -a /usr/local/share/ca-certificates/. "$room/root/usr/local/share/ca-certificates/"
}

make_user() {
    chroot "$room/root" useradd --create-home --shell /bin/bash --uid 4242 newcomer
    echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$room/root/etc/sudoers.d/newcomer"
    home=$room/root/home/newcomer
    mkdir -p "$home/.config/pip" "$home/.config/go"
    for file in /etc/pip.conf "${HOME:-/root}/.config/pip/pip.conf" "${HOME:-/root}/.pip/pip.conf"; do
        if [ -f "$file" ]; then cat "$file" >>"$home/.config/pip/pip.conf"; fi
    done
    if [ -f "${HOME:-/root}/.config/go/env" ]; then cp "${HOME:-/root}/.config/go/env" "$home/.config/go/env"; fi
    host_environment >"$home/.profile"
    if [ -d "$mirror" ]; then
        mkdir "$room/root/srv/engines"
        echo "export SHIPWAY_ENGINE_MIRROR=/srv/engines" >>"$home/.profile"
    fi
    git -c safe.directory="$repo" clone --quiet --no-hardlinks "$repo" "$home/shipway"
    chroot "$room/root" chown -R newcomer: /home/newcomer
}

# Print the variables by which the host's pip and Go know their mirrors, proxies and certificates.
host_environment() {
    env | grep -E '^(PIP_[A-Z_]*|GO(PROXY|SUMDB|PRIVATE|NOPROXY|NOSUMDB|INSECURE)|[A-Za-z_]*_(proxy|PROXY)|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)=' |
        grep -v '^PIP_FIND_LINKS=' | sed "s/'/'\\\\''/g; s/=\(.*\)/='\1'/; s/^/export /"
}

# Run the targets as the newcomer; everything in there ends with this.
enter() {
    for target in $targets; do
        say "make $target"
        begun=$(date +%s)
        unshare --mount --pid --ipc --uts --fork --kill-child --propagation private \
            "$repo/tools/clean-room.sh" --inside "$room/root" "$target" </dev/null &
        running=$!
        wait "$running"
        running=
        say "make $target passed in $(($(date +%s) - begun)) s, $(du -smx "$room/root" | cut -f1) MiB in the room"
    done
}

# In the namespaces: mount what a machine has, become the newcomer, run one target.
inside() {
    root=$1
    target=$2
    hostname clean-room
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    if [ -d "$mirror" ]; then mount --bind "$mirror" "$root/srv/engines"; fi
    grep -q clean-room "$root/etc/hosts" || echo '127.0.1.1 clean-room' >>"$root/etc/hosts"
    run="cd shipway && make $target; code=\$?"
    clean='.venv/bin/shipway cluster status >/dev/null 2>&1 && .venv/bin/shipway cluster delete'
    # A root of its own, not a chroot: whoever joins this mount namespace must land in the room.
    cd "$root"
    pivot_root . mnt
    umount --lazy /mnt
    exec su --login newcomer --command "$run; $clean; exit \$code"
}

# unshare waits out a polite signal; when it is killed, its namespaces end with all in them.
stop() {
    if [ "$running" ]; then kill -KILL "$running"; fi
    exit 130
}

clean() {
    rm -rf --one-file-system "$room"
    rm -f "$room.apt"
}

if [ "${1:-}" = --inside ]; then
    inside "$2" "$3"
fi
as_root "$@"
need_commit
need_mmdebstrap
if [ -e "$room" ]; then say "removing the room of an earlier run"; fi
clean
[ "$keep" ] || trap clean EXIT
running=
trap stop INT TERM
make_root
make_user
enter
say "passed on a fresh machine: $targets"
