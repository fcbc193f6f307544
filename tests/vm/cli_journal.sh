#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=512M --timeout 1800
#
# A write journal by esnap on LVM: made before a mounted origin, carried along by a second
# snapshot, listed, taken down and up with its chain, refused to be left out, and removed.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"

state() { dmsetup status vg-data | cut -d' ' -f10; }
journal_of_table() { dmsetup table vg-data | cut -d' ' -f6; }
number() { dmsetup info -c --noheadings -o major,minor "$1"; }

# put WORD: into the file, all the way
put() {
    echo "$1" >/mnt/data/file
    sync -f /mnt/data/file
}
show() { # show VOLUME: what the file says in its file system
    mount -o ro,noload "/dev/vg/$1" /mnt/image
    cat /mnt/image/file
    umount /mnt/image
}

lvm_ready /dev/disk/by-id/virtio-a
lv data 16M
mkfs.ext4 -q /dev/vg/data
mkdir -p /mnt/data /mnt/image
mount /dev/vg/data /mnt/data
put one

say "a journal needs a snapshot, and there is one of them"
refused 5 'it has no snapshot' esnap lvcreate --esnapjrnl -L 8M vg/data
esnap -q lvcreate --esnapshot -L 16M -n monday vg/data
seen=
refused 5 'it is no origin' esnap lvcreate --esnapjrnl -L 8M vg/monday
esnap lvcreate --esnapjrnl -L 8M vg/data
expect "$(number vg-data_ejrnl)" "$(journal_of_table)" "the journal in the origin's table"
expect ok "$(state)" "its state"
settled
refused 5 'an origin has one journal' esnap lvcreate --esnapjrnl -L 8M -n other vg/data

say "writes go through it, and a second snapshot takes it along"
put two
esnap -q lvcreate --esnapshot -L 16M -n tuesday vg/data
put three
expect "one two three" "$(show monday) $(show tuesday) $(cat /mnt/data/file)" "the file everywhere"
expect "$(number vg-data_ejrnl)" "$(journal_of_table)" "the journal in the origin's table"
esnap lvs -a vg | grep -q 'data_ejrnl' || fail "lvs -a does not list the journal"
settled

say "down and up"
umount /mnt/data
esnap -q vgchange -an vg
expect "No devices found" "$(dmsetup ls)" "devices"
esnap check /dev/vg/data_ejrnl 2>/dev/null || {
    lvchange -q -ay -K vg/data_ejrnl
    esnap check /dev/vg/data_ejrnl
    lvchange -q -an vg/data_ejrnl
}
esnap -q vgchange -ay vg
mount /dev/vg/data /mnt/data
expect "$(number vg-data_ejrnl)" "$(journal_of_table)" "the journal in the origin's table"
expect "one two three" "$(show monday) $(show tuesday) $(cat /mnt/data/file)" "the file everywhere"
put four
settled

say "the last snapshot does not go before it; it goes while writes are pending"
esnap -q lvremove -y vg/monday
refused 5 'journal' esnap lvremove -y vg/tuesday
dd if=/dev/urandom of=/mnt/data/big bs=64k count=32 oflag=direct status=none
sum=$(summary </mnt/data/big)
esnap lvremove -y vg/data_ejrnl
expect "- -" "$(dmsetup status vg-data | cut -d' ' -f9,10)" "the origin's status"
expect "$sum" "$(dd if=/mnt/data/big bs=64k iflag=direct status=none | summary)" "what was pending"
expect "two four" "$(show tuesday) $(cat /mnt/data/file)" "the file"
settled
esnap -q lvremove -y vg/tuesday
umount /mnt/data
esnap -q vgchange -ay vg
expect data "$(lvs -a --noheadings -o lv_name,lv_tags vg | xargs)" "what is left"
echo "all held"
