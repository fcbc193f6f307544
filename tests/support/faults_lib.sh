# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of failing devices share; they source it after vm_lib.sh and journal_lib.sh. The
# chain has chunks of 16 KiB. Device N of setup_devices lies on the N-th part of the disk "stores".

area=32768 # sectors of each of them
declare -A start=()

setup_devices() { # setup_devices NAME...
    local name
    dmsetup create bad --table "0 $((${sectors:?} > area ? sectors : area)) error"
    for name in "$@"; do
        start[$name]=$((${#start[@]} * area))
        dmsetup create "$name" --table "$(good "$name")"
    done
    dmsetup create org-real --table "$(origin_table 0)"
}

# Tables of NAME. Where it cannot be written it can be read, and the other way round.
good() { echo "0 $area linear ${disks:?}-stores ${start[$1]}"; }
gone() { echo "0 $area error"; }
unreadable() { echo "0 $area delay ${m:?}/bad 0 0 $disks-stores ${start[$1]} 0"; }
unwritable() { pieces bad_write "$@"; } # unwritable NAME BLOCK...
holed() { pieces bad_block "$@"; }      # holed NAME BLOCK...: neither

bad_write() { echo "$2 $3 delay $disks-stores $((start[$1] + $2)) 0 $m/bad 0 0"; }
slow_write() { echo "$2 $3 delay $disks-stores $((start[$1] + $2)) 0 $disks-stores $((start[$1] + $2)) 2000"; }
bad_block() { echo "$2 $3 error"; }

# pieces BAD NAME BLOCK...: good but for the blocks of 4 KiB (FIRST or FIRST-LAST, in order)
pieces() {
    local bad=$1 name=$2 at=0 block first end
    shift 2
    for block in "$@" end; do
        first=$([ "$block" = end ] && echo $area || echo $((${block%-*} * 8)))
        [ "$at" -eq "$first" ] ||
            echo "$at $((first - at)) linear $disks-stores $((start[$name] + at))"
        [ "$block" != end ] || break
        end=$(((${block#*-} + 1) * 8))
        "$bad" "$name" "$first" $((end - first))
        at=$end
    done
}

kernel_name() { basename "$(readlink -f "$m/$1")"; }

# The chain of STORE..., with image imgN of the N-th.
up() {
    local store i=1
    dmsetup create org --table "$(org_table - "$@")"
    for store in "$@"; do
        dmsetup create -r img$i --table "0 $sectors esnapshot $store"
        i=$((i + 1))
    done
}
down() { # down IMAGE...
    dmsetup remove --retry "$@"
    dmsetup remove --retry org
}

# Another snapshot, in s2, with its image.
add_second() {
    esnap -q format --force --origin "$m/org-real" --after "$m/s1" -c 16k "$m/s2"
    change org "$(org_table - "$m/s1" "$m/s2")"
    dmsetup create -r img2 --table "0 $sectors esnapshot $m/s2"
}

state() { field 4; }
in_chain_state() { [ "$(state)" = "$1" ]; }
area_state() { dmsetup status "$1" | cut -d' ' -f6; }
marked_invalid() { esnap check "$m/$1" 2>/dev/null | grep -q "is invalid"; }

# overwrite FIRST END: the chunks of the origin with new data, one write each
overwrite() {
    dd if=/dev/urandom of="$m/org" bs=16k seek="$1" count="$(($2 - $1))" iflag=fullblock \
        oflag=direct status=none || fail "a write to the origin failed"
}
read_chunks() { # read_chunks DEVICE FIRST COUNT
    dd if="$m/$1" of=/dev/null bs=16k skip="$2" count="$3" iflag=direct status=none
}

# The chain's end as after a power cut: what is in the store now is what an attach finds.
cut_off() { # cut_off STORE
    local saved
    saved=$(mktemp)
    dd if="$m/$1" of="$saved" bs=1M iflag=direct status=none
    dmsetup remove --retry org
    dd if="$saved" of="$m/$1" bs=1M oflag=direct status=none
    rm "$saved"
}
