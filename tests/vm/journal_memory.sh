#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=48M --disk stores=96M --disk journals=64M --timeout 900
#
# A journal that holds far more than it may have in memory: what was dropped is read back, for
# users and to be written in place, memory stays bounded and comes back. When it cannot be read
# back for a while nothing is lost; when it never can, that reads as an error, and no other
# range does. A ring full of writes to one place is attached with the memory that is left of them.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

ring=$(blockdev --getsz "$disks-journals")
budget=/sys/module/dm_esnapshot/parameters/journal_mib

# Its writes fail.
broken_origin() { echo "0 $sectors delay $disks-origin 0 0 $m/bad 0 0"; }
journal_table() { echo "0 $ring linear $disks-journals 0"; }
no_reads() { echo "0 $ring delay $m/bad 0 0 $disks-journals 0 0"; }

up() { dmsetup create org --table "$(org_table $m/j $m/s1)"; }
new_journal() {
    change org "$(org_table - $m/s1)"
    esnap -q format --force --journal-for $m/s1 $m/j
    change org "$(org_table $m/j $m/s1)"
    expect ok "$(journal_state)" "the new journal's state"
}

# In KiB; free pages that a processor keeps for itself (some 40 MiB) are not in MemAvailable.
available() {
    awk '/^MemAvailable/ { kib += $2 } $1 == "count:" { kib += 4 * $2 } END { print kib }' \
        /proc/meminfo /proc/zoneinfo
}
journal_reads() { awk '{ print $1 }' "/sys/block/$(basename "$(readlink -f $m/j)")/stat"; }

# The least MemAvailable in KiB while COMMAND runs is in $least.
watch_memory() { # watch_memory COMMAND...
    local now pid
    least=$(available)
    "$@" &
    pid=$!
    while kill -0 $pid 2>/dev/null; do
        now=$(available)
        [ "$now" -ge "$least" ] || least=$now
        sleep 0.05
    done
    wait $pid
}

is_slow() { swap_under org-real "$(origin_table 1500)"; }
is_fast() { swap_under org-real "$(origin_table 0)"; }

write_mib() { # write_mib FILE MIB BLOCK_SIZE
    dd if="$1" of=$m/org bs="$3" iflag=fullblock oflag=direct count="$2"M iflag=count_bytes,fullblock \
        status=none
}
same_as() { # same_as FILE MIB DEVICE WHAT
    cmp -n $(($2 << 20)) "$1" <(dd if="$3" bs=64k count=$(($2 * 16)) iflag=direct status=none) ||
        fail "$4"
}

write_and_wait() {
    write_mib /tmp/a 40 1M
    sleep 3
}

dmsetup create s1 --table "0 $(blockdev --getsz "$disks-stores") linear $disks-stores 0"
dmsetup create bad --table "0 $ring error"
dmsetup create j --table "$(journal_table)"
dmsetup create org-real --table "$(origin_table 0)"
for i in a b c; do dd if=/dev/urandom of=/tmp/$i bs=1M count=40 status=none; done
esnap -q format --origin "$m/org-real" -c 16k "$m/s1"
esnap -q format --journal-for "$m/s1" "$m/j"
echo 1 >$budget
up

say "40 MiB pending with 1 MiB of memory"
is_slow
before=$(available)
watch_memory write_and_wait
pending=$(used)
echo "$((before - least)) KiB of memory for $((pending / 2)) KiB in the ring"
[ $((before - least)) -lt 12288 ] || fail "too much memory"
[ "$pending" -gt 40000 ] || fail "too little is pending: this proves nothing"
reads=$(journal_reads)
same_as /tmp/a 40 $m/org "what is pending reads wrong"
[ "$(journal_reads)" -gt $((reads + 100)) ] || fail "nothing was read from the ring"
is_fast
dmsetup message org 0 drain
same_as /tmp/a 40 "$disks-origin" "the origin is wrong after drain"

say "the same, and nothing of it can be written in place"
swap_under org-real "$(broken_origin)"
before=$(available)
watch_memory write_and_wait
echo "$((before - least)) KiB of memory for $(($(used) / 2)) KiB in the ring"
[ $((before - least)) -lt 12288 ] || fail "too much memory"
[ "$(used)" -gt 40000 ] || fail "too little is pending: this proves nothing"
is_fast
dmsetup message org 0 drain
same_as /tmp/a 40 "$disks-origin" "the origin is wrong after drain"

say "the same under writers that read, too"
swap_under org-real "$(origin_table 200)"
reads=$(journal_reads)
start_writers 4 20
sleep 6
stop_writers
[ "$(journal_reads)" -gt $((reads + 20)) ] || fail "nothing was read from the ring"
verify_writers $m/org "with next to no memory"
is_fast
dmsetup message org 0 drain
verify_writers "$disks-origin" "after drain"

say "the ring cannot be read for three seconds: nothing is lost"
is_slow
write_mib /tmp/b 6 64k
swap_under j "$(no_reads)"
sleep 3
swap_under j "$(journal_table)"
wait_for 60 in_state failed
same_as /tmp/b 6 $m/org "data was lost"
same_as /tmp/b 6 "$disks-origin" "not all is in place"
is_fast
new_journal

say "it can never be read again: an error, for what was only there"
write_mib /tmp/a 6 64k
dmsetup message org 0 drain
is_slow
write_mib /tmp/b 6 64k
new_words >/dev/null
swap_under j "$(no_reads)"
wait_for 60 in_state draining
# It waits until the journal is given up, and goes directly then.
write_mib /tmp/c 1 64k || fail "a write failed"
wait_for 60 in_state failed
new_words | grep -q "is LOST" || fail "the log does not say what is lost"
is_fast
python3 - <<'EOF'
import mmap, os
new, newer = open("/tmp/b", "rb").read(6 << 20), open("/tmp/c", "rb").read(1 << 20)
fd = os.open("/dev/mapper/org", os.O_RDONLY | os.O_DIRECT)
memory, good, lost = mmap.mmap(-1, 65536), 0, 0
for at in range(0, 6 << 20, 65536):
    want = newer if at < 1 << 20 else new
    try:
        os.preadv(fd, [memory], at)
    except OSError:
        lost += 1
        assert at >= 1 << 20, f"byte {at}: was written again"
        continue
    assert memory[:] == want[at:at + 65536], f"byte {at}: wrong data"
    good += 1
print(good, "good,", lost, "lost")
assert lost and good >= 16
EOF
write_mib /tmp/c 6 64k
same_as /tmp/c 6 $m/org "a lost range was written and does not read"
swap_under j "$(journal_table)"
new_journal

say "memory comes back when what is pending is left in the ring"
dmsetup remove --retry org
echo 64 >$budget
free_memory() {
    sleep 1
    echo 3 >/proc/sys/vm/drop_caches
    available
}
# The first round is for what the kernel keeps for the next time.
for round in 1 2 3; do
    before=$(free_memory)
    up
    swap_under org-real "$(broken_origin)"
    write_mib /tmp/a 40 256k
    held=$((before - $(available)))
    dmsetup remove --retry org
    left=$((before - $(free_memory)))
    echo "$held KiB while 40 MiB were pending, $left KiB afterwards"
    [ "$held" -gt 30000 ] || fail "it was not in memory: this proves nothing"
    [ "$round" -eq 1 ] || [ "$left" -lt 1024 ] || fail "memory is gone"
    is_fast
    if [ "$round" -lt 3 ]; then
        up
        dmsetup message org 0 drain
        dmsetup remove --retry org
    fi
done
up
same_as /tmp/a 40 $m/org "wrong after the next attach"
dmsetup message org 0 drain
same_as /tmp/a 40 "$disks-origin" "not in place after the next attach"

say "200000 writes to one place are left in the ring: what is attached is the last of each"
swap_under org-real "$(broken_origin)"
write_mib /tmp/b 2 256k
echo 4096 >"/sys/block/$(basename "$(readlink -f $m/org)")/queue/discard_max_bytes"
python3 - <<'EOF'
import fcntl, os, struct
BLKDISCARD = 0x1277
fd = os.open("/dev/mapper/org", os.O_WRONLY)
for _ in range(400):
    fcntl.ioctl(fd, BLKDISCARD, struct.pack("QQ", 8 << 20, 2 << 20))
EOF
pending=$(used)
[ "$pending" -gt 10000 ] || fail "too little is in the ring: this proves nothing"
dmsetup remove --retry org
is_fast
new_words >/dev/null
before=$(free_memory)
watch_memory up
echo "$((before - least)) KiB of memory to attach $((pending / 2)) KiB of the ring"
new_words | grep "go to their places now"
[ $((before - least)) -lt 16384 ] || fail "too much memory to attach"
same_as /tmp/b 2 $m/org "wrong after the attach"
dmsetup message org 0 drain
same_as /tmp/b 2 "$disks-origin" "not in place after the attach"
dmsetup remove --retry org
esnap check $m/s1
esnap check $m/j
echo "all held"
