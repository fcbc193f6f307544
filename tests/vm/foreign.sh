#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=512M --disk b=512M --timeout 2400
#
# LVM's own commands, by somebody who does not know esnap, on a live and on a stacked origin and
# on the stores' LVs: each works or is refused, and never harms.
#
#   foreign.sh [live] [stacked] [stores] [groups] [guest]      default: all but stores

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"

[ $# -gt 0 ] || set -- live stacked groups guest
a=/dev/disk/by-id/virtio-a
vg=vg
tried=0

images() { echo "$(digest /dev/$vg/monday) $(digest /dev/$vg/tuesday) $(digest /dev/$vg/try)"; }
layer() { dmsetup table $vg-data; }
suspended() { dmsetup info -c --noheadings -o name,suspended | grep Suspended || true; }

# unharmed WHAT: the same images, and an origin with its snapshots whose file system works.
unharmed() {
    expect "" "$(suspended)" "$1: suspended devices"
    expect esnapshot-org "$(layer | cut -d' ' -f3)" "$1: the origin's target"
    expect ok "$(dmsetup status $vg-data | cut -d' ' -f4)" "$1: the chain's state"
    expect "$pictures" "$(images)" "$1: snapshots and view"
    tried=$((tried + 1))
    echo "$tried" >/mnt/data/file
    sync -f /mnt/data/file
    expect "$tried" "$(cat /mnt/data/file)" "$1: the file"
}

# fails COMMAND..., works COMMAND...: and there is no harm.
fails() {
    local output
    if output=$("$@" 2>&1); then
        fail "should have failed: $* ($output)"
    fi
    unharmed "$*, which failed"
}
works() {
    local output
    output=$("$@" 2>&1) || fail "$*: $output"
    unharmed "$*"
}

make_chain() {
    lvcreate -q -y -Wn -Zn -L 8M -n data vg "$a" >/dev/null 2>&1
    mkfs.ext4 -q /dev/vg/data
    mkdir -p /mnt/data
    mount /dev/vg/data /mnt/data
    echo one >/mnt/data/file
    esnap -q lvcreate --esnapshot -L 8M -n monday vg/data
    echo two >/mnt/data/file
    esnap -q lvcreate --esnapshot -L 8M -n tuesday vg/data
    esnap -q lvcreate --esnapview -L 8M -n try vg/monday
    pictures=$(images)
}

say "a volume group on two disks, a mounted origin with two snapshots and a view"
pvcreate -q "$a" /dev/disk/by-id/virtio-b >/dev/null
vgcreate -q vg "$a" /dev/disk/by-id/virtio-b >/dev/null
make_chain

on_live() {
    local before
    before=$(layer)
    fails lvextend -L +4M vg/data
    fails lvreduce -f -y -L -4M vg/data
    fails lvresize -f -y -L -4M vg/data
    fails lvchange --refresh vg/data
    fails vgchange --refresh vg
    fails lvrename vg/data other
    fails pvmove -i1 -n data "$a"
    fails lvremove -f vg/data
    fails lvchange -an vg/data
    fails vgchange -an vg
    fails lvchange -pr vg/data
    fails lvcreate -y -s -L 4M -n s vg/data
    expect "$before" "$(layer)" "the origin's table after all that"
    expect "data 8.00m" "$(lvs --noheadings -o lv_name,lv_size vg/data 2>/dev/null | xargs)" "LVM's idea of it"
    # LVM has left half a snapshot, on the hidden device, which it takes for its own.
    works lvremove -f vg/s
    umount /mnt/data
    esnap -q vgchange -an vg
    expect "No devices found" "$(dmsetup ls)" "devices"
    esnap -q vgchange -ay vg
    mount /dev/vg/data /mnt/data
    unharmed "deactivated and activated"
}

# try_lv NAME FROM TO: a store's LV or a stacked origin's, which pvmove takes from disk to disk.
try_lv() {
    works lvextend -L +4M "vg/$1"
    works lvchange --refresh "vg/$1"
    works lvcreate -y -s -L 4M -n s "vg/$1"
    works lvremove -f vg/s
    works pvmove -i1 -n "$1" "$2" "$3"
    fails lvremove -f "vg/$1"
    fails lvchange -an "vg/$1"
    works lvchange -y --addtag mine "vg/$1"
    works lvrename "vg/$1" "vg/${1}x"
    works lvrename "vg/${1}x" "vg/$1"
}

# Shrunk by force, then made as large as it was: nothing is lost, and while it is short the
# chain does not die of it.
shrink_and_back() {
    local size
    size=$(lvs --noheadings --units b --nosuffix -o lv_size "vg/$1" | xargs)
    lvreduce -q -f -y -L -4M "vg/$1" >/dev/null 2>&1
    lvextend -q -L "${size}b" "vg/$1" >/dev/null 2>&1
    unharmed "lvreduce -f and lvextend of $1"
}

on_stacked() {
    local b=/dev/disk/by-id/virtio-b
    umount /mnt/data
    esnap -q vgchange -an vg
    esnap -q vgchange -ay vg
    mount /dev/vg/data /mnt/data
    try_lv data_eorig "$a" "$b"
    shrink_and_back monday_ecow
    shrink_and_back tuesday_ecow
    shrink_and_back try_ecow
    fails vgchange -an vg
    works vgchange -ay vg
    expect "" "$({ lvs vg && lvdisplay vg; } 2>&1 | grep -i warning || true)" "warnings of lvs and lvdisplay"
    say "vgchange -an and -ay by somebody who does not know esnap"
    umount /mnt/data
    vgchange -an vg >/dev/null 2>&1 || true
    vgchange -ay vg >/dev/null 2>&1 || true
    [ -b /dev/vg/data ] || fail "vgchange -an took the origin away from under its snapshots"
    esnap -q vgchange -an vg
    vgchange -ay vg >/dev/null 2>&1
    expect "No devices found" "$(dmsetup ls)" "what vgchange -ay activated"
    esnap -q vgchange -ay vg
    mount /dev/vg/data /mnt/data
    unharmed "all that"
}

# As for the origin's LV; not a part of the default, as it takes minutes.
on_stores() {
    try_lv tuesday_ecow "$a" /dev/disk/by-id/virtio-b
    try_lv try_ecow "$a" /dev/disk/by-id/virtio-b
}

# The group is renamed with everything in use; esnap's next activation follows.
on_groups() {
    vgrename -q vg other >/dev/null 2>&1 || true
    esnap -q vgchange -ay other
    vg=other
    unharmed "vgrename"
    vgrename -q other vg >/dev/null 2>&1 || true
    esnap -q vgchange -ay vg
    vg=vg
    unharmed "vgrename back"
    settled
}

hide="r|^/dev/disk/by-id/dm-uuid-ESNAP-|"
pvs_of_guest() { pvs --noheadings -o pv_name -S vg_name=guest -a "$@" | xargs; }
without_guest() { ! dmsetup info guest-root >/dev/null 2>&1 || dmsetup remove guest-root; }

# A guest's disk with a physical volume on it: what docs/security.md has put into lvm.conf.
on_guest() {
    lvcreate -q -y -Wn -Zn -L 24M -n disk vg "$a" >/dev/null 2>&1
    esnap -q lvcreate --esnapshot -L 8M -n before vg/disk
    pvcreate -q -y /dev/vg/disk >/dev/null 2>&1
    vgcreate -q guest /dev/vg/disk >/dev/null
    lvcreate -q -y -Wn -Zn -L 4M -n root guest >/dev/null 2>&1
    esnap -q lvcreate --esnapshot -L 8M -n after vg/disk
    esnap -q lvcreate --esnapview -L 8M -n trial vg/after
    udevadm settle
    expect "/dev/vg/after /dev/vg/disk /dev/vg/trial" "$(pvs_of_guest 2>/dev/null)" "where LVM finds the guest's group"
    printf 'devices {\nglobal_filter = [ "%s" ]\n}\n' "$hide" >/etc/lvm/lvmlocal.conf
    expect "" "$(pvs_of_guest 2>&1)" "where it finds it with the filter, and warnings"
    wait_for 20 without_guest
    umount /mnt/data
    esnap -q vgchange -an vg
    esnap -q vgchange -ay vg
    udevadm settle
    expect "" "$(dmsetup ls | grep guest || true)" "what udev has activated of the guest's"
    expect /dev/vg/trial "$(pvs_of_guest --config "devices/global_filter=[\"a|^/dev/vg/trial\$|\",\"$hide\"]" 2>&1)" \
        "where it finds it with the view let through, and warnings"
    mount /dev/vg/data /mnt/data
    unharmed "a filter in lvm.conf"
    settled
}

for part in "$@"; do
    say "$part"
    "on_$part"
done
echo "$tried commands tried, all held"
