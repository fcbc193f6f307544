#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=512M --timeout 2400
#
# Full areas on LVM that nobody extends by himself: the next snapshot, a volume that is removed or
# taken down, an extension while the origin is suspended, a group without room. Writes wait, none
# that was acknowledged is lost, nothing hangs, and what is lost to the snapshots is said.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"
# shellcheck source=tests/support/watch_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/watch_lib.sh"

conf() { printf '%s\n' "monitoring = 0" "$@" >/etc/esnap/esnap.conf; } # conf LINE...

# write_until_full NAME [OPTION]...: a writer to the origin in the background that waits for NAME
write_until_full() {
    local name=$1
    shift
    fill /dev/vg/data /tmp/fill.json "$@" &
    writer=$!
    wait_until 300 is_area "$name" full
    kill -0 "$writer" || fail "the writer did not wait"
}

mkdir -p /etc/esnap
conf "queue_timeout = 0"
lvm_ready /dev/disk/by-id/virtio-a
lv data 48M
fill /dev/vg/data /tmp/first.json

say "the newest snapshot is full, and the next one is taken"
esnap lvcreate --esnapshot -L 8M -n one vg/data
[[ $(dmsetup table vg-data) == *" 1 queue_timeout=0" ]] || fail "the table does not have what esnap.conf says"
before=$(digest /dev/vg/one)
write_until_full one --verify=crc32c --do_verify=1
esnap lvcreate --esnapshot -L 60M -n two vg/data &
creator=$!
sleep 10
kill -0 "$creator" || fail "lvcreate did not wait for room"
timeout 200 esnap lvextend -L +56M vg/one || fail "lvextend did not end"
wait "$creator" || fail "the snapshot was not taken"
wait "$writer" || fail "a write was lost"
expect "$before" "$(digest /dev/vg/one)" "the older snapshot"
settled

say "an extension while the origin is suspended"
before=$(digest /dev/vg/two)
dmsetup suspend --nolockfs vg-data
timeout 200 esnap lvextend -L +8M vg/two || fail "lvextend did not end with the origin suspended"
timeout 200 esnap lvextend --use-policies vg/two || fail "lvextend by policy did not end, either"
dmsetup resume vg-data
expect "$before" "$(digest /dev/vg/two)" "the snapshot"
expect 139264 "$(dmsetup status vg-two | sed 's/.*\/\([0-9]*\) .*/\1/')" "what the kernel knows of its size"

say "a view is full: taken down all the same, and nothing of it is lost that was acknowledged"
esnap lvcreate --esnapview -L 8M -n view vg/two
dd if=/dev/urandom of=/dev/vg/view bs=1M count=2 oflag=direct conv=fsync status=none
start=$(dd if=/dev/vg/view bs=1M count=2 iflag=direct status=none | summary)
fio --name=view --filename=/dev/vg/view --rw=write --bs=64k --offset=2M --direct=1 --size=30M >/dev/null 2>&1 &
writer=$!
wait_until 300 is_area view full
timeout 100 dmsetup suspend --nolockfs vg-view || fail "the suspend hangs"
dmsetup resume vg-view
! wait "$writer" || fail "writes without room did not fail when the view was suspended"
expect "$start" "$(dd if=/dev/vg/view bs=1M count=2 iflag=direct status=none | summary)" "the view's acknowledged data"
timeout 200 esnap lvremove -y vg/view || fail "removing a full view hangs"
settled

say "an origin whose writes wait is not taken down; the writer is not harmed"
esnap lvcreate --esnapshot -L 8M -n three vg/data
write_until_full three --verify=crc32c --do_verify=1
refused 5 'it is in use' timeout 100 esnap vgchange -an vg
dmsetup remove --retry vg-three || fail "the image cannot be removed while writes wait"
timeout 100 esnap lvremove -y vg/one || fail "removing the oldest snapshot hangs while writes wait"
timeout 100 esnap lvextend -L +4M vg/data || fail "growing the origin hangs while writes wait"
expect 106496 "$(blockdev --getsz /dev/vg/data)" "the origin's size"
timeout 100 esnap lvcreate --esnapjrnl -L 8M vg/data || fail "adding a journal hangs while writes wait"
kill -0 "$writer" || fail "the writer did not wait"
esnap lvchange -ay vg/data
esnap lvextend -L +56M vg/three
wait "$writer" || fail "a write was lost"
esnap lvremove -y vg/data_ejrnl
settled
esnap vgchange -an vg
esnap vgchange -ay vg
esnap lvremove -y vg/two vg/three

say "the group has nothing left: the chain is given up, the origin goes on"
conf "queue_timeout = 5"
esnap lvcreate --esnapshot -L 8M -n four vg/data
lvcreate -q -y -Wn -Zn -l 100%FREE -n rest vg >/dev/null 2>&1
fill /dev/vg/data /tmp/fill.json &
writer=$!
wait_until 300 is_area four full
seen=
refused 5 'no free extent' esnap lvextend --use-policies vg/four
wait "$writer" || fail "a write to the origin failed"
expect invalid "$(area_state four)" "the snapshot"
refuse dd if=/dev/vg/four of=/dev/null bs=64k count=1 iflag=direct status=none
expect invalid "$(esnap lvs --noheadings -o state vg/four | xargs)" "esnap lvs"
dmesg | grep -q 'all snapshots are INVALID from now on: the newest store is full' || fail "the log does not say why"
seen=
refused 5 'it is invalid' esnap lvextend --use-policies vg/four
fill /dev/vg/data /tmp/fill.json || fail "the origin does not go on"
esnap lvremove -y vg/four

say "the same with on_full=error: what needs room fails, what does not goes on"
conf "queue_timeout = 5" "on_full = error"
esnap vgchange -an vg
esnap vgchange -ay vg
lvremove -q -y vg/rest >/dev/null 2>&1
esnap lvcreate --esnapshot -L 8M -n five vg/data
[[ $(dmsetup table vg-data) == *" 2 on_full=error queue_timeout=5" ]] || fail "the table does not have what esnap.conf says"
before=$(digest /dev/vg/five)
dd if=/dev/urandom of=/dev/vg/data bs=64k count=1 oflag=direct status=none
! fill /dev/vg/data /tmp/fill.json --offset=1M || fail "writes without room did not fail"
dd if=/dev/urandom of=/dev/vg/data bs=64k count=1 oflag=direct status=none || fail "a chunk that is copied cannot be written"
expect "$before" "$(digest /dev/vg/five)" "the snapshot"
esnap lvextend -L +56M vg/five
fill /dev/vg/data /tmp/fill.json || fail "writes fail although there is room"
expect "$before" "$(digest /dev/vg/five)" "the snapshot, with room"
settled
echo "all held"
