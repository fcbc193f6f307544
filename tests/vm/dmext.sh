#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=64M --timeout 1800
#
# libdm-ext on the real kernel: a mounted volume is taken over while it is written, snapshots of
# it come and go, what cannot be done is refused, and the volume is handed back as it was.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

examples=$(dirname -- "$(realpath -- "$(command -v esnap)")")/../libdm-ext
PATH=$PATH:$examples
origin=/dev/disk/by-id/virtio-origin
stores=/dev/disk/by-id/virtio-stores
sectors=$(blockdev --getsz "$origin")
type_of() { dmsetup table "$1" | cut -d' ' -f3; }
number_of() { dmsetup info -c --noheadings -o major,minor "$1"; }

dmsetup create vol -u TEST-vol --table "0 $sectors linear $origin 0"
for i in 1 2; do
    dmsetup create "s$i" --table "0 65536 linear $stores $(((i - 1) * 65536))"
done
# Old data that is all zero would take no room in a store.
dd if=/dev/urandom of="$origin" bs=1M oflag=direct status=none 2>/dev/null || true
mkfs.ext4 -q -E nodiscard /dev/mapper/vol
mkdir -p /mnt/vol /mnt/image
mount /dev/mapper/vol /mnt/vol
echo first >/mnt/vol/file
number=$(number_of vol)
before=$(dmsetup table vol)

say "a mounted volume is taken over, with its first snapshot"
esnap -q format --origin /dev/mapper/vol -c 64k /dev/mapper/s1
# Asked to end, not killed: a sync that outlives it would keep the volume busy.
touch /run/writing
(while [ -e /run/writing ]; do echo more >>/mnt/vol/growing && sync /mnt/vol/growing; done) &
writer=$!
dmext-live -n insert vol 128 /dev/mapper/s1
expect "$before" "$(dmsetup table vol)" "the table after a dry run"
dmext-snapshot vol /dev/mapper/s1
expect esnapshot-org "$(type_of vol)" "the volume's target"
expect "$before" "$(dmsetup table vol-real)" "the table of the hidden device"
expect TEST-vol-real "$(dmsetup info -c --noheadings -o uuid vol-real)" "its uuid"
expect "$number" "$(number_of vol)" "the volume's number"
expect "ok, 1 stores" "$(dmext-live status vol)" "status"

say "the file system was frozen: its image needs no recovery"
dmext-live image one vol /dev/mapper/s1
[ -b /dev/mapper/one ] || fail "the image has no node when the command returns"
echo second >/mnt/vol/file
sync -f /mnt/vol
mount -o ro,noload /dev/mapper/one /mnt/image
expect first "$(cat /mnt/image/file)" "the file in the snapshot"
umount /mnt/image
e2fsck -fn /dev/mapper/one >/dev/null 2>&1 || fail "the image is not consistent"

say "a second snapshot, an event, and the oldest one dropped"
esnap -q format --origin /dev/mapper/vol-real --after /dev/mapper/s1 -c 64k /dev/mapper/s2
dmext-snapshot vol /dev/mapper/s2
dmext-live image two vol /dev/mapper/s2
(sleep 2 && dd if=/dev/urandom of=/mnt/vol/big bs=1M count=24 oflag=direct status=none) &
big=$!
dmext-live wait two 60
wait "$big"
mount -o ro,noload /dev/mapper/two /mnt/image
expect second "$(cat /mnt/image/file)" "the file in the second snapshot"
refuse dmext-live drop vol one two
[ -b /dev/mapper/one ] || fail "the image did not come back"
dmext-live drop vol one
expect "ok, 1 stores" "$(dmext-live status vol)" "status"
refuse dmext-live drop vol two
expect second "$(cat /mnt/image/file)" "the file while its snapshot could not be dropped"

say "what cannot be done is refused, and changes nothing"
table=$(dmsetup table vol)
refuse dmext-live add vol /dev/mapper/s1
refuse dmext-live add vol /dev/mapper/nothing
refuse dmext-live insert vol 128
refuse dmext-live out vol
refuse dmext-live remove vol vol-real
expect "$table" "$(dmsetup table vol)" "the table after refusals"
expect LIVE "$(dmsetup info vol | sed -n 's/^Tables present: *//p')" "tables of the volume"

say "a store that cannot be written is no snapshot, and the chain goes on"
esnap -q format --force --origin /dev/mapper/vol-real --after /dev/mapper/s2 -c 64k /dev/mapper/s1
dmsetup create bad --table "0 65536 flakey /dev/mapper/s1 0 0 3600 1 error_writes"
if message=$(dmext-live add vol /dev/mapper/bad 2>&1); then fail "it should have failed"; fi
[[ $message == *"could not be brought into use"* ]] || fail "the message is: $message"
expect "$table" "$(dmsetup table vol)" "the table"
expect "ok, 1 stores" "$(dmext-live status vol)" "status"
expect second "$(cat /mnt/image/file)" "the file in the snapshot before"
dmsetup remove --retry bad
for i in 1 2; do
    esnap check "/dev/mapper/s$i"
done

say "the last one dropped: a pass-through while mounted, nothing afterwards"
umount /mnt/image
dmext-live drop vol two
dmext-live out vol
expect esnapshot-org "$(type_of vol)" "the target while mounted"
rm /run/writing
wait "$writer"
umount /mnt/vol
udevadm settle
dmext-live out vol
expect "$before" "$(dmsetup table vol)" "the volume's table"
refuse dmsetup info -c --noheadings vol-real
e2fsck -fn /dev/mapper/vol >/dev/null 2>&1 || fail "the volume is not consistent"
dmext-live remove vol s1 s2
expect "No devices found" "$(dmsetup ls)" "devices left"

say "without udev, the library makes the nodes"
udevadm control --exit
rm -f /run/udev/control # by which others know that udev is there
dmsetup create vol -u TEST-vol --table "0 $sectors linear $origin 0"
dmext-live insert vol 128
[ -b /dev/mapper/vol-real ] || fail "the hidden device has no node"
dmext-live out vol
[ ! -e /dev/mapper/vol-real ] || fail "the node of the hidden device is left over"
expect "$before" "$(dmsetup table vol)" "the volume's table"
dmext-live remove vol
[ ! -e /dev/mapper/vol ] || fail "the node of the volume is left over"
echo "all held"
