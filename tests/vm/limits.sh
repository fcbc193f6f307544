#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=64M --disk stores=64M --disk journals=64M --timeout 300
#
# A group of processes that may do little to the disks below (io.max): others do not wait for what it has
# begun, neither for its records in a journal nor for its copies.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

groups=/sys/fs/cgroup
[ -e $groups/cgroup.controllers ] || mount -t cgroup2 none $groups
echo +io >$groups/cgroup.subtree_control
mkdir $groups/slow

# in_group COMMAND...: with no more than 64 KiB/s to and from DISK
limit() { echo "$(cat "/sys/block/$(basename "$(readlink -f "$1")")/dev") rbps=65536 wbps=65536" >$groups/slow/io.max; }
in_group() {
    (
        echo $BASHPID >$groups/slow/cgroup.procs
        exec "$@"
    )
}
write_block() { dd if=/dev/urandom of=$m/org bs=4k seek="$1" count=1 oflag=direct status=none; }

dmsetup create s1 --table "0 131072 linear $disks-stores 0"
dmsetup create org-real --table "$(origin_table 0)"
esnap -q format --force --origin $m/org-real -c 64k $m/s1
half=$(($(blockdev --getsz "$disks-journals") / 2))
dmsetup create j --table "0 $half linear $disks-journals 0"
dmsetup create scratch --table "0 $half linear $disks-journals $half"
esnap -q format --force --journal-for $m/s1 $m/j

say "a record that somebody begins whose writes to the journal's disk have to wait"
dmsetup create org --table "$(org_table $m/j $m/s1)"
limit "$disks-journals"
in_group dd if=/dev/zero of=$m/scratch bs=1M count=16 oflag=direct status=none &
hog=$!
sleep 1
in_group dd if=/dev/urandom of=$m/org bs=4k seek=100 count=1 oflag=direct status=none &
own=$!
sleep 1
write_block 200
kill -0 $hog || fail "the group was not held up"
wait $own
kill $hog
wait $hog || true
dmsetup remove --retry org

say "copies that somebody begins whose reads of the origin's disk have to wait"
esnap -q format --force --origin $m/org-real -c 64k $m/s1
dmsetup create org --table "$(org_table - $m/s1)"
limit "$disks-origin"
in_group dd if="$disks-origin" of=/dev/null bs=1M skip=32 count=16 iflag=direct status=none &
hog=$!
sleep 1
for i in $(seq 0 39); do
    in_group dd if=/dev/urandom of=$m/org bs=4k seek=$((i * 16)) count=1 oflag=direct status=none &
done
sleep 1
write_block $((100 * 16))
kill -0 $hog || fail "the group was not held up"
echo "$(cat "/sys/block/$(basename "$(readlink -f "$disks-origin")")/dev") rbps=max wbps=max" >$groups/slow/io.max
wait
dmsetup remove --retry org
esnap check $m/s1
echo "all held"
