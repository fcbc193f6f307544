# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scenarios share in which areas fill; besides vm_lib.sh and cli_lib.sh.

log=/run/syslog
plugin=libdevmapper-event-lvm2esnapshot.so

# The package as it would be installed, as far as dmeventd needs it; and a log to read.
install_plugin() {
    local program libraries
    program=$(command -v esnap)
    libraries=/usr/lib/$(uname -m)-linux-gnu
    ln -sfn "$program" /usr/sbin/esnap
    mkdir -p "$libraries/device-mapper"
    ln -sfn "$(dirname -- "$program")/$plugin" "$libraries/device-mapper/$plugin"
    ln -sfn "device-mapper/$plugin" "$libraries/$plugin"
    busybox syslogd -S -O "$log"
}

# wait_until SECONDS COMMAND...
wait_until() {
    local left=$(($1 * ${slow:?}))
    shift
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "never came: $*"
        sleep 1
    done
}

area_state() { dmsetup status "vg-$1" | cut -d' ' -f6; } # area_state NAME
is_area() { [ "$(area_state "$1")" = "$2" ]; }           # is_area NAME STATE
monitor() { esnap lvs --noheadings -o monitor "vg/$1" | xargs; }
size() { esnap lvs --noheadings -o lv_size --units m --nosuffix "vg/$1" | xargs; }
larger() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; } # larger A B: is A > B?

# fill DEVICE RESULT [OPTION]...: random writes over all of it, as fast as it takes them
fill() {
    local device=$1 result=$2
    shift 2
    fio --name=fill --filename="$device" --rw=randwrite --bs=64k --ioengine=libaio --iodepth=16 \
        --direct=1 --end_fsync=1 --output-format=json --output="$result" "$@" >/dev/null
}

# slowest RESULT: the longest a write took, in milliseconds
slowest() {
    python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["jobs"][0]["write"]["clat_ns"]["max"] // 1000000)' "$1"
}
