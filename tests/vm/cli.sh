#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=512M --timeout 1800
#
# esnap on LVM: a mounted volume gets snapshots and a view in one command each; they are grown,
# renamed, listed and removed, taken down and assembled again; wrong input is refused and
# changes nothing.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"

show() { # show VOLUME: what the file says in its file system
    mount -o "ro,$([[ $1 == try ]] || echo noload)" "/dev/vg/$1" /mnt/image
    cat /mnt/image/file
    umount /mnt/image
}
completed() { # completed WORD...: what TAB makes of the last one
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _esnap
    printf '%s\n' "${COMPREPLY[@]}" | sort -u | xargs
}
listed() { esnap lvs --noheadings -o "$1" vg | sed 's/^ *//; s/  */ /g'; } # listed FIELDS

lvm_ready /dev/disk/by-id/virtio-a
lv data 16M
mkfs.ext4 -q /dev/vg/data
mkdir -p /mnt/data /mnt/image
mount /dev/vg/data /mnt/data
echo one >/mnt/data/file

say "wrong input is refused"
refused 5 'there is no such volume' esnap lvcreate --esnapshot -L 8M -n s vg/nothing
refused 5 'not found' esnap lvcreate --esnapshot -L 8M -n s none/data
refused 5 'insufficient free space' esnap lvcreate --esnapshot -L 8G -n s vg/data
refused 3 '0 is no size' esnap lvcreate --esnapshot -L 0 -n s vg/data
refused 3 'how much room' esnap lvcreate --esnapshot -n s vg/data
refused 3 'give it a name' esnap lvcreate --esnapshot -L 8M vg/data
refused 3 'cannot be a name' esnap lvcreate --esnapshot -L 8M -n 'a b' vg/data
refused 3 'cannot be a name' esnap lvcreate --esnapshot -L 8M -n s_ecow vg/data
# shellcheck disable=SC2016  # no shell is to expand them
for name in '$(reboot)' '`reboot`' 's;reboot' "s'" 's"' '../s' '--' '-s' $'s\nreboot'; do
    refused 3 'cannot be a name' esnap lvcreate --esnapshot -L 8M --name="$name" vg/data
done
refused 3 'power of two' esnap lvcreate --esnapshot -L 8M -c 5k -n s vg/data
refused 3 'exactly one of' esnap lvcreate -L 8M -n s vg/data
refused 5 'of this name already' esnap lvcreate --esnapshot -L 8M -n data vg/data
refused 5 'LVM alone' esnap lvremove -y vg/data
refused 5 'it has no snapshot' esnap lvcreate --esnapjrnl -L 8M vg/data
# shellcheck disable=SC2016  # for the inner shell
refused 5 'needs root' setpriv --reuid 1000 --clear-groups "$(command -v esnap)" lvs

say "a volume in use that is not linear is refused; one that is not in use is taken"
lvcreate -q -y -Wn -Zn --type raid1 -m 1 --nosync --alloc anywhere -L 8M -n raid vg >/dev/null 2>&1
lvcreate -q -y -Wn -Zn -L 12M -V 8M -T vg/pool -n thin >/dev/null 2>&1
exec 7<>/dev/vg/raid 8<>/dev/vg/thin
seen=
refused 5 'a target of type raid' esnap lvcreate --esnapshot -L 8M -n s vg/raid
refused 5 'a target of type thin' esnap lvcreate --esnapshot -L 8M -n s vg/thin
refused 5 'a part of another volume' esnap lvcreate --esnapshot -L 8M -n s vg/pool
exec 7>&- 8>&-
for name in raid thin; do
    dd if=/dev/urandom of="/dev/vg/$name" bs=1M count=8 oflag=direct status=none
    sum=$(digest "/dev/vg/$name")
    esnap lvcreate --esnapshot -L 12M -n "s_$name" "vg/$name"
    dd if=/dev/urandom of="/dev/vg/$name" bs=1M count=8 oflag=direct status=none
    expect "$sum" "$(digest "/dev/vg/s_$name")" "the snapshot of a $name volume"
    esnap lvremove -y "vg/s_$name"
done
lvremove -q -f vg/raid vg/thin vg/pool >/dev/null 2>&1
settled

say "a snapshot of a mounted volume, and a view"
before=$(picture)
esnap lvcreate -t --esnapshot -L 16M -n monday vg/data 2>/dev/null
expect "$before" "$(picture)" "the system after a test run"
esnap lvcreate --esnapshot -L 16M -n monday /dev/vg/data
echo two >/mnt/data/file
sync
esnap lvcreate --esnapshot -l 50%ORIGIN -n tuesday vg/data
echo three >/mnt/data/file
sync
esnap lvcreate --esnapview -L 16M -n try vg/monday
expect "one two one" "$(show monday) $(show tuesday) $(show try)" "the file in both snapshots and the view"
for name in data monday tuesday try data-real monday_ecow; do
    node=/dev/vg/$name
    [ -e "$node" ] || node=/dev/mapper/vg-$name
    expect "660 root:disk" "$(stat -L -c '%a %U:%G' "$node")" "who may read and write $node"
done
settled
expect "data
monday data
tuesday data
try monday" "$(listed lv_name,origin)" "esnap lvs"
expect '"tuesday"' "$(esnap lvs --reportformat json -o name -S 'serial>1' vg | grep -o '"tuesday"')" "the newer one, in JSON"
expect 4 "$(lvs --noheadings vg 2>/dev/null | wc -l)" "LVs beneath"

say "names are completed"
# shellcheck source=/dev/null
. <(esnap help --completion)
expect vg/monday "$(completed esnap lvremove vg/m)" "the completion of vg/m"
expect vg/data "$(completed esnap lvchange -a n vg/d)" "the completion of an origin"
expect "vg/data vg/monday vg/try vg/tuesday" "$(completed esnap lvcreate --esnapshot vg/)" "the completion of a volume"
expect vg "$(completed esnap vgchange -ay '')" "the completion of a group"

say "what cannot be done with them is refused"
mount /dev/vg/try /mnt/image
seen=
refused 5 'it is in use' esnap lvremove -y vg/try
umount /mnt/image
seen=
refused 5 'it has views: try' esnap lvremove -y vg/monday
refused 5 'monday is the oldest' esnap lvremove -y vg/tuesday
refused 5 'origin of 2 snapshots' esnap lvremove -y vg/data
refused 5 'makes a view of it' esnap lvcreate --esnapshot -L 8M -n s vg/monday
refused 5 'one chain has one chunk size' esnap lvcreate --esnapshot -L 8M -c 4k -n s vg/data
refused 5 'LV beneath' esnap lvremove -y vg/monday_ecow
refused 5 'it is in use' esnap vgchange -an vg
refused 5 'there is a volume try already' esnap lvrename vg monday try
refused 5 'it is an origin' esnap lvchange --monitor y vg/data
refused 5 "dmeventd's plugin" esnap lvchange --monitor y vg/tuesday # it is not installed here

say "the origin grows while it is mounted and not stacked yet"
esnap lvextend -L +8M vg/data
expect $((24 * 2048)) "$(blockdev --getsz /dev/vg/data)" "its sectors"
expect 24.00m "$(lvs --noheadings -o lv_size vg/data 2>/dev/null | xargs)" "its size as LVM knows it"
resize2fs /dev/vg/data 2>/dev/null
expect "three one two one" "$(cat /mnt/data/file) $(show monday) $(show tuesday) $(show try)" "the file everywhere"
settled

say "down and up again: stacked from now on"
umount /mnt/data
esnap vgchange -an vg
expect "No devices found" "$(dmsetup ls)" "devices"
vgchange -q -ay vg >/dev/null
expect "No devices found" "$(dmsetup ls)" "devices, after LVM has activated what is its own"
esnap vgchange -ay vg
settled
mount /dev/vg/data /mnt/data
expect "three one two one" "$(cat /mnt/data/file) $(show monday) $(show tuesday) $(show try)" "the file everywhere"
expect "" "$(lvs vg 2>&1 | grep -i warning || true)" "warnings of lvs"
uuid=$(blkid -o value -s UUID /dev/vg/data)
expect "$(realpath /dev/vg/data)" "$(realpath "/dev/disk/by-uuid/$uuid")" "who has the file system's uuid"

say "grown and renamed while in use"
esnap lvextend -L +8M vg/tuesday
esnap lvextend -L 48M vg/data
resize2fs /dev/vg/data 2>/dev/null
dd if=/dev/urandom of=/mnt/data/big bs=1M count=30 oflag=direct status=none
esnap lvrename vg/data daten
esnap lvrename vg monday montag
expect "three one two" "$(cat /mnt/data/file) $(show montag) $(show tuesday)" "the file everywhere"
expect "daten 48.00m 48.00m
montag 16.00m 16.00m
tuesday 16.00m 16.00m
try 16.00m 16.00m" "$(listed lv_name,lv_size,origin_size)" "sizes"
settled

say "removed, from the oldest on; then the volume is LVM's again"
esnap lvremove -y vg/try vg/montag
expect two "$(show tuesday)" "the file in the newer snapshot"
esnap lvremove -y vg/tuesday
settled
umount /mnt/data
esnap vgchange -ay vg
expect "daten" "$(lvs --noheadings -o lv_name,lv_tags vg | sed 's/ //g')" "what is left"
mount /dev/vg/daten /mnt/data
expect three "$(cat /mnt/data/file)" "the file"
umount /mnt/data

say "a volume that is not in use is stacked at once"
flags() { lvs --noheadings --binary -o lv_skip_activation,lv_autoactivation "$1" | xargs; }
expect "0 1" "$(flags vg/daten)" "how it is activated, as LVM made it"
lvchange -q -ky --setautoactivation n vg/daten
esnap lvcreate --esnapshot -L 8M -n idle vg/daten
expect "daten_eorig idle_ecow" "$(lvs --noheadings -o lv_name vg | xargs)" "LVs"
settled
esnap lvremove -y vg/idle
expect daten "$(lvs --noheadings -o lv_name,lv_tags vg | xargs)" "what is left"
expect "1 0" "$(flags vg/daten)" "how it is activated, as its user has set it"
[ -b /dev/vg/daten ] || fail "the volume is not there"
settled
echo "all held"
