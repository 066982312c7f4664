#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes a bare Debian ready for every target of the Makefile: the packages of tests/packages.txt and of the lists that it is given, and
# .venv with what tests/requirements.txt pins. Says what it installs and why before it does, and nothing at all when all is there.
# POSIX sh, because a bare Debian has no Python.
set -eu
cd "$(dirname "$0")/../.."

apt_log=.cache/apt.log

die() {
    printf 'bootstrap: %s\n' "$*" >&2
    exit 1
}

installed() {
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null >>"$apt_log" 2>&1
}

install_packages() {
    missing=''
    why=''
    while read -r package purpose; do
        case $package in '' | '#'*) continue ;; esac
        if ! installed "$package"; then
            missing="$missing $package"
            why="$why$(printf '\n  %-18s %s' "$package" "$purpose")"
        fi
    done <"$1"
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null 2>&1 || die "this is not a Debian system (no apt-get). Needed:$why"
    printf 'bootstrap: installing Debian packages with apt-get (what it says goes to %s):%s\n' "$apt_log" "$why"
    sudo=''
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "cannot install them: you are not root and there is no sudo. As root, run: apt-get update && apt-get install --no-install-recommends$missing"
        sudo=sudo
    fi
    mkdir -p "$(dirname "$apt_log")"
    # shellcheck disable=SC2086 # a list of words
    { apt update && apt -y install --no-install-recommends $missing; } || {
        tail -n 30 "$apt_log" >&2
        die "apt-get could not install:$missing (the end of $apt_log stands above)"
    }
}

# /usr/bin/python3 by name: a python3 found on PATH may be a version manager's and of any version.
make_venv() {
    wanted=$(cat tests/requirements.txt tests/constraints.txt | sha256sum | cut -d ' ' -f 1)-$(/usr/bin/python3 -V | tr ' ' -)
    [ "$(cat .venv/made-from 2>/dev/null)" != "$wanted" ] || return 0
    printf 'bootstrap: installing Python packages into .venv:\n'
    sed -n 's/^\([a-zA-Z].*\)==\(.*\)/  \1 \2/p' tests/requirements.txt
    rm -f .venv/made-from
    /usr/bin/python3 -m venv .venv
    .venv/bin/python3 -m pip --disable-pip-version-check install -qq --no-input -r tests/requirements.txt ||
        die "pip could not install tests/requirements.txt into .venv (its message stands above)"
    printf '%s\n' "$wanted" >.venv/made-from
}

for list in tests/packages.txt "$@"; do
    install_packages "$list"
done
make_venv
