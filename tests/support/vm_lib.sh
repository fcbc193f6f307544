# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scenarios in the guest share; they source it.

say() { printf '== %s\n' "$*"; }

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    dmsetup status >&2 || true
    exit 1
}

# Limits are for the usual kernel; where guests are slower (scripts/vm), they are longer.
slow=${VM_SLOW:-1}
timeout() { command timeout $(($1 * slow)) "${@:2}"; }

# expect WANTED FOUND WHAT
expect() { [ "$1" = "$2" ] || fail "$3: wanted $1, found $2"; }

# refuse COMMAND...: it must fail
refuse() {
    if "$@" 2>/dev/null; then
        fail "should have failed: $*"
    fi
}

# Of standard input. MD5 costs an emulated processor a third of SHA-256, and nobody cheats here.
summary() { md5sum | cut -d' ' -f1; }

# digest DEVICE: the summary of its whole content, read past every cache
digest() { dd if="$1" bs=1M iflag=direct status=none | summary; }

change() { # change DEVICE TABLE [SUSPEND_OPTION]...
    local device=$1 table=$2
    shift 2
    dmsetup load "$device" --table "$table"
    dmsetup suspend "$@" "$device"
    dmsetup resume "$device"
}

wait_for() { # wait_for SECONDS COMMAND...
    local left=$(($1 * 5 * slow))
    shift
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "did not come: $*"
        sleep 0.2
    done
}
