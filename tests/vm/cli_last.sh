#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=256M --disk b=64M --timeout 600
#
# The last snapshot is removed while its volume is in use, and the machine goes down before the volume
# could be given back to LVM: it is there after the next boot, an ordinary volume again.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"

hold_open() { exec 9<>/dev/vg/data; }
let_go() { exec 9>&-; }
tags() { lvs --noheadings -o lv_tags -S 'lv_name=~"^data"' vg | xargs; }

# As after a power cut: the devices are gone, nobody has taken leave.
lose_power() {
    local device
    let_go
    for device in vg-data vg-data-real vg-data_eorig; do
        [ ! -e "/dev/mapper/$device" ] || dmsetup remove --retry "$device"
    done
}

boot() {
    vgchange -q -aay vg >/dev/null 2>&1
    esnap vgchange -ay vg
    udevadm settle
}

# The last snapshot goes; so does the power, and the volume is there after the boot.
remove_and_lose_power() {
    esnap -q lvremove -y vg/monday
    expect esnap.kind=origin "$(tags)" "tags of a volume in use"
    lose_power
    boot
    expect "$data" "$(digest /dev/vg/data)" "the volume after the boot"
    expect "" "$(tags)" "tags after the boot"
    settled
}

lvm_ready /dev/disk/by-id/virtio-a
lv data 8M
dd if=/dev/urandom of=/dev/vg/data bs=1M count=8 oflag=direct status=none
data=$(digest /dev/vg/data)

say "stacked: snapshots were taken while it was not in use"
esnap -q lvcreate --esnapshot -L 8M -n monday vg/data
refused 5 'name vg/data' esnap lvcreate --esnapshot -L 8M -n tuesday vg/data_eorig
hold_open
remove_and_lose_power

say "live: the snapshot was taken while it was in use"
hold_open
esnap -q lvcreate --esnapshot -L 8M -n monday vg/data
remove_and_lose_power

say "another group has tags that no command knows: this one is taken down and up all the same"
let_go
pvcreate -q /dev/disk/by-id/virtio-b >/dev/null
vgcreate -q odd /dev/disk/by-id/virtio-b >/dev/null
lvcreate -q -y -Wn -Zn -L 8M -n x --addtag esnap.kind=origin odd >/dev/null 2>&1
lvcreate -q -y -Wn -Zn -L 8M -n y_ecow --addtag esnap.kind=snapshot \
    --addtag "esnap.origin=$(lvs --noheadings -o lv_uuid odd/x | xargs)" odd >/dev/null 2>&1
esnap -q lvcreate --esnapshot -L 8M -n monday vg/data
refuse esnap vgchange -an
[ ! -e /dev/mapper/vg-data ] || fail "the chain was not taken down"
refuse esnap vgchange -ay
expect "$data" "$(digest /dev/vg/monday)" "the snapshot"
echo "all held"
