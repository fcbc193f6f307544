#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=16M --disk stores=32M --disk journals=64M --timeout 300
#
# One block of the ring goes bad while what it holds is nowhere else. That write is lost, and said
# to be; everything else comes to its place, no writer waits for ever, and the origin goes on.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

# place BYTE: where the block of the ring lies that has what belongs to that byte of the origin
place() {
    python3 - "$disks-journals" /tmp/data "$1" <<'EOF'
import mmap, os, sys
ring, file, at = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(file, "rb") as data:
    data.seek(at)
    block = data.read(4096)
fd, memory, found = os.open(ring, os.O_RDONLY | os.O_DIRECT), mmap.mmap(-1, 1 << 20), []
for start in range(0, os.lseek(fd, 0, os.SEEK_END), 1 << 20):
    nr = os.preadv(fd, [memory], start)
    found += [start + i for i in range(0, nr, 4096) if memory[i:i + 4096] == block]
assert len(found) == 1, found
print(found[0])
EOF
}
rot() { # rot BYTE: zeros over that block
    dd if=/dev/zero of="$disks-journals" bs=4k seek=$(($(place "$1") / 4096)) count=1 oflag=direct status=none
}

# Which 64 KiB of what is in /tmp/data cannot be read, by number; all others must be right.
unreadable() {
    python3 - <<'EOF'
import mmap, os
want = open("/tmp/data", "rb").read()
fd, memory = os.open("/dev/mapper/org", os.O_RDONLY | os.O_DIRECT), mmap.mmap(-1, 65536)
for at in range(0, len(want), 65536):
    try:
        os.preadv(fd, [memory], at)
    except OSError:
        print(at // 65536)
        continue
    assert memory[:] == want[at:at + 65536], f"byte {at}: wrong data"
EOF
}

# The journal that each copy of the superblock of a store names (docs/format.md).
named_by() {
    local copy
    for copy in 0 8; do
        dd if="$1" bs=4k skip=$copy count=1 iflag=direct status=none | od -An -tx1 -j776 -N16 | tr -d ' \n'
        echo
    done
}

dmsetup create s1 --table "0 32768 linear $disks-stores 0"
dmsetup create s2 --table "0 32768 linear $disks-stores 32768"
dmsetup create j --table "0 $(blockdev --getsz "$disks-journals") linear $disks-journals 0"
dmsetup create org-real --table "$(origin_table 0)"
dd if=/dev/urandom of=/tmp/data bs=1M count=6 status=none
esnap -q format --origin "$m/org-real" -c 16k "$m/s1"
esnap -q format --journal-for "$m/s1" "$m/j"
echo 1 >/sys/module/dm_esnapshot/parameters/journal_mib # most is in the ring only
dmsetup create org --table "$(org_table $m/j $m/s1)"

say "a block of what waits in the ring goes bad"
swap_under org-real "$(origin_table 1500)"
dd if=/tmp/data of=$m/org bs=64k oflag=direct status=none
new_words >/dev/null
rot $((48 * 65536 + 8192))
swap_under org-real "$(origin_table 0)"
timeout 60 dd if=/dev/urandom of=$m/org bs=64k seek=128 count=1 oflag=direct status=none || fail "a write failed"
wait_for 60 in_state failed
expect 1 "$(new_words | grep -c "is LOST")" "ranges that the log calls lost"
expect 48 "$(unreadable | xargs)" "what cannot be read"

say "a write to it that fails does not make it good"
dmsetup create nowhere --table "0 $sectors error"
swap_under org-real "0 $sectors delay $disks-origin 0 0 $m/nowhere 0 0"
refuse dd if=/tmp/data of=$m/org bs=64k skip=48 seek=48 count=1 oflag=direct status=none
swap_under org-real "$(origin_table 0)"
expect 48 "$(unreadable | xargs)" "what cannot be read after a write that failed"

say "it is written again, and the origin has a new journal"
dd if=/tmp/data of=$m/org bs=64k skip=48 seek=48 count=1 oflag=direct status=none
expect "" "$(unreadable)" "what cannot be read after a write"
change org "$(org_table - $m/s1)"
esnap -q format --force --journal-for $m/s1 $m/j
change org "$(org_table $m/j $m/s1)"
expect ok "$(journal_state)" "the new journal's state"
cmp -n $((6 << 20)) /tmp/data "$disks-origin" || fail "the origin is wrong"

say "a snapshot: one copy of its superblock may go bad, the other names the journal, too"
esnap -q format --origin $m/org-real --after $m/s1 $m/s2
change org "$(org_table $m/j $m/s1 $m/s2)"
read -r journal other <<<"$(named_by $m/s2 | xargs)"
[[ $journal == *[1-9a-f]* ]] || fail "the new snapshot names no journal"
expect "$journal" "$other" "the journal that the other copy names"
dmsetup remove --retry org
esnap check $m/s1
esnap check $m/s2
esnap check $m/j

say "a block of the ring cannot be read any more, and there is much else in it: writes go on"
esnap -q format --force --origin $m/org-real -c 16k $m/s1
esnap -q format --force --journal-for $m/s1 $m/j
dd if=/dev/urandom of=/tmp/data bs=4k count=896 status=none # fewer than the index may have
dmsetup create org --table "$(org_table $m/j $m/s1)"
swap_under org-real "$(origin_table 60000)"
dd if=/tmp/data of=$m/org bs=4k oflag=direct status=none # each in a record of its own
bad=$(($(place $((600 * 4096))) / 512))
ring=$(blockdev --getsz "$disks-journals")
swap_under j "0 $bad linear $disks-journals 0
$bad 8 error
$((bad + 8)) $((ring - bad - 8)) linear $disks-journals $((bad + 8))"
new_words >/dev/null
swap_under org-real "$(origin_table 0)"
timeout 60 dd if=/dev/urandom of=$m/org bs=64k seek=128 count=1 oflag=direct status=none || fail "a write waits"
wait_for 60 in_state failed
expect 1 "$(new_words | grep -c "is LOST")" "ranges that the log calls lost"
expect 37 "$(unreadable | xargs)" "what cannot be read"
dmsetup remove --retry org
esnap check $m/s1
echo "all held"
