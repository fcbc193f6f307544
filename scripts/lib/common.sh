# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What every script here shares: where the repository is, how to say something,
# how to become root. Sourced, never run. Names starting with top_ and build_ are
# paths; nothing below depends on the caller's working directory.

top_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
build_dir=$top_dir/build

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# Wrong command line: LVM's and most tools' code for it is not 1, so that a caller
# can tell a typo from a failed run.
usage_error() {
    say "$* (see --help)"
    exit 3
}

# Prints the comment block at the head of a script, which is its manual.
print_manual() {
    sed -n '/^# SPDX/d; 2,/^$/{ s/^# \{0,1\}//; p }' "$1"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "need root (or sudo) for: $*"
    fi
}

# with_lock NAME COMMAND...: one holder at a time per build directory.
with_lock() {
    local name=$1
    shift
    mkdir -p "$build_dir"
    (
        flock 9
        "$@" 9>&-
    ) 9>"$build_dir/.$name.lock"
}
