#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=256M --disk b=64M --timeout 600
#
# What is not there, or not as it should be, keeps down only what needs it: a disk of the group, the tags of
# another chain, an LV that has taken a snapshot's name.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"

# The group's second disk, which LVM does not see on the disk itself.
disk_comes() {
    dmsetup create second --table "0 122880 linear $(readlink -f /dev/disk/by-id/virtio-b) 2048"
    udevadm settle
}
disk_goes() { dmsetup remove --retry second; }

lvm_ready /dev/disk/by-id/virtio-a
lv data 8M
lv plain 8M
disk_comes
pvcreate -q /dev/mapper/second >/dev/null
vgextend -q vg /dev/mapper/second >/dev/null
pvchange -q -xn /dev/mapper/second >/dev/null

say "the disk with a view's store is missing: everything else comes up, and the view with its disk"
dd if=/dev/urandom of=/dev/vg/data bs=1M count=8 oflag=direct status=none
esnap -q lvcreate --esnapshot -L 8M -n monday vg/data
pvchange -q -xy /dev/mapper/second >/dev/null
pvchange -q -xn /dev/disk/by-id/virtio-a >/dev/null
esnap -q lvcreate --esnapview -L 8M -n try vg/monday
dd if=/dev/urandom of=/dev/vg/try bs=1M count=2 oflag=direct status=none
old=$(digest /dev/vg/monday)
view=$(digest /dev/vg/try)
esnap vgchange -an vg
disk_goes
code=0
said=$(esnap vgchange -ay vg 2>&1) || code=$?
expect 5 "$code" "exit status with a disk missing ($said)"
[[ $said == *"vg/try is not there"* ]] || fail "the view is not named: $said"
dd if=/dev/urandom of=/dev/vg/data bs=64k count=20 oflag=direct status=none
expect "$old" "$(digest /dev/vg/monday)" "the snapshot"
expect inactive "$(esnap lvs --noheadings -o state vg/try | xargs)" "the view"
disk_comes
esnap vgchange -ay vg
expect "$view" "$(digest /dev/vg/try)" "the view, with its disk"
settled

say "an LV has the name of a snapshot that is down: neither is taken for the other"
dmsetup remove --retry vg-try
pvchange -q -xy /dev/disk/by-id/virtio-a >/dev/null
lv try 8M
dd if=/dev/urandom of=/dev/vg/try bs=1M count=8 oflag=direct status=none
mine=$(digest /dev/vg/try)
code=0
said=$(esnap lvchange -ay vg/data 2>&1) || code=$?
expect 5 "$code" "exit status with a name taken ($said)"
[[ $said == *"another device vg-try"* ]] || fail "what stands in the way is not named: $said"
esnap vgchange -an vg
expect "$mine" "$(digest /dev/vg/try)" "the LV"
lvremove -q -y vg/try >/dev/null 2>&1
esnap vgchange -ay vg
expect "$view" "$(digest /dev/vg/try)" "the view, when the name is free again"
esnap -q lvremove -y vg/try
settled

say "tags of another chain in the group contradict each other: only that one is refused"
lvchange -q --addtag esnap.kind=origin vg/plain >/dev/null
lvcreate -q -y -Wn -Zn -L 8M -n odd_ecow --addtag esnap.kind=snapshot \
    --addtag "esnap.origin=$(lvs --noheadings -o lv_uuid vg/plain | xargs)" vg >/dev/null 2>&1
seen=
refused 5 odd_ecow esnap lvcreate --esnapshot -L 8M -n first vg/plain
refused 5 odd_ecow esnap lvs vg
expect "data monday" "$(esnap lvs --noheadings -o lv_name vg 2>/dev/null | xargs)" "what is listed all the same"
esnap lvs vg/monday >/dev/null
esnap -q lvcreate --esnapshot -L 8M -n tuesday vg/data
esnap lvrename vg tuesday wednesday
refuse esnap vgchange -an vg
[ ! -e /dev/mapper/vg-data ] || fail "the chain was not taken down"
refuse esnap vgchange -ay vg
expect "$old" "$(digest /dev/vg/monday)" "the snapshot"
lvremove -q -y vg/odd_ecow >/dev/null 2>&1
lvchange -q --deltag esnap.kind=origin vg/plain >/dev/null
esnap vgchange -ay vg
settled
echo "all held"
