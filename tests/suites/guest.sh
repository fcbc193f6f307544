# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# In the guest: guest.sh KIND SUITE TREE PART/PARTS ARGUMENT...; makes the two devices test and scratch of
# that KIND (see run), and runs SUITE's check on them, of xfstests every PARTS-th test. The results go to $VM_SHARE.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "$0")/../support/vm_lib.sh"

kind=$1 suite=$2 tree=$3 part=$4
shift 4
disks=/dev/disk/by-id/virtio
chunk=16k chunk_sectors=32
known_mib=128

# Over all that is trimmed already: what a snapshot holds beyond what is known here is zero.
make_chain() { # make_chain NAME DEVICE RING
    local name=$1 device=$2 ring=$3 sectors
    sectors=$(blockdev --getsz "$disks-$name")
    dmsetup create "$device" --table "0 $sectors esnapshot-org $disks-$name $chunk_sectors - 0"
    blkdiscard "/dev/mapper/$device"
    head -c "${known_mib}M" /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:"$name" 2>/dev/null |
        dd of="/dev/mapper/$device" bs=1M iflag=fullblock oflag=direct status=none
    esnap -q format --origin "$disks-$name" -c "$chunk" "$disks-$name-store"
    if [ "$ring" != - ]; then esnap -q format --journal-for "$disks-$name-store" "$ring"; fi
    dmsetup load "$device" --table "0 $sectors esnapshot-org $disks-$name $chunk_sectors $ring 1 $disks-$name-store"
    dmsetup suspend "$device"
    dmsetup resume "$device"
    dmsetup create "$name-snap" --readonly --table "0 $sectors esnapshot $disks-$name-store"
    known "$name" >"/run/$name.known"
}

known() { dd if="/dev/mapper/$1-snap" bs=1M count=$((known_mib * 2)) iflag=direct status=none | summary; }

make_device() { # make_device NAME
    local name=$1 sectors
    sectors=$(blockdev --getsz "$disks-$name")
    case $kind in
    linear) dmsetup create "$name" --table "0 $sectors linear $disks-$name 0" ;;
    origin) make_chain "$name" "$name" - ;;
    journal) make_chain "$name" "$name" "$disks-$name-ring" ;;
    view)
        make_chain "$name" "$name-org" -
        esnap -q format --view-of "$disks-$name-store" "$disks-$name-view"
        dmsetup create "$name" \
            --table "0 $sectors esnapshot-view $disks-$name-view $disks-$name $disks-$name-store"
        ;;
    *) fail "unknown kind $kind" ;;
    esac
}

# Its exit status says that tests failed, which dm-linear's may, too: what matters is compared.
xfstests() {
    local user tests
    for user in fsgqa fsgqa2 123456-fsgqa; do
        getent passwd "$user" >/dev/null || useradd --badname --create-home --user-group "$user" 2>/dev/null || true
    done
    mkdir -p /mnt/test /mnt/scratch
    mkfs.ext4 -q -F /dev/mapper/test
    export FSTYP=ext4 TEST_DEV=/dev/mapper/test TEST_DIR=/mnt/test
    export SCRATCH_DEV=/dev/mapper/scratch SCRATCH_MNT=/mnt/scratch RESULT_BASE=/run/results
    mkdir -p /run/results
    cd -- "$tree"
    mapfile -t tests < <(./check -n "$@" | sed -n 's|^\([a-z]*/[0-9]*\).*|\1|p' |
        awk -v part="${part%/*}" -v parts="${part#*/}" 'NR % parts == part % parts')
    [ "${#tests[@]}" -gt 0 ] || fail "no test is in part $part of $*"
    ./check -R xunit-quiet "${tests[@]}" || true
    cd /
    cp -- /run/results/result.xml "$VM_SHARE/"
    cp -r -- /run/results/generic "$VM_SHARE/details" || true
    umount /mnt/scratch 2>/dev/null || true
    umount /mnt/test 2>/dev/null || true
}

blktests() {
    printf 'TEST_DEVS=(/dev/mapper/test)\nOUTPUT=%s\nDEVICE_ONLY=1\nTIMEOUT=30\n' "$VM_SHARE/details" >/run/config
    (cd -- "$tree" && ./check -c /run/config "$@") || true
}

check_snapshots() {
    local name
    for name in test scratch; do
        expect "$(cat "/run/$name.known")" "$(known "$name")" "the snapshot of $name after everything"
        dmsetup status "$name-snap"
    done
}

uname -r >"$VM_SHARE/kernel"
make_device test
make_device scratch
"$suite" "$@"
dmsetup status
[ "$kind" = linear ] || check_snapshots
say "$suite on $kind: through"
