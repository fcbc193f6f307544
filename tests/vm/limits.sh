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

# in_group COMMAND...: with no more than 16 KiB/s to and from the disk of limit DISK
limits() { echo "$(cat "/sys/block/$(basename "$(readlink -f "$1")")/dev") rbps=$2 wbps=$2" >$groups/slow/io.max; }
limit() { limits "$1" 16384; }
no_limit() { limits "$1" max; }
in_group() {
    (
        echo $BASHPID >$groups/slow/cgroup.procs
        exec "$@"
    )
}
write_block() { dd if=/dev/urandom of=$m/org bs=4k seek="$1" count=1 oflag=direct status=none; }
# ended DEVICE FIELD: how many reads (1) or writes (5) of it have ended
ended() { awk "{ print \$$2 }" "/sys/block/$(basename "$(readlink -f $m/"$1")")/stat"; }

dmsetup create s1 --table "0 131072 linear $disks-stores 0"
dmsetup create org-real --table "$(origin_table 0)"
esnap -q format --force --origin $m/org-real -c 16k $m/s1
half=$(($(blockdev --getsz "$disks-journals") / 2))
dmsetup create j --table "0 $half linear $disks-journals 0"
dmsetup create beside --table "0 $half linear $disks-journals $half"
esnap -q format --force --journal-for $m/s1 $m/j
udevadm settle

say "a record that somebody begins whose writes to the journal's disk have to wait"
dmsetup create org --table "$(org_table $m/j $m/s1)"
limit "$disks-journals"
in_group dd if=/dev/zero of=$m/beside bs=1M count=16 oflag=direct status=none &
hog=$!
sleep 2
before=$(ended beside 5)
in_group dd if=/dev/urandom of=$m/org bs=4k seek=100 count=1 oflag=direct status=none &
own=$!
sleep 1
write_block 200
expect "$before" "$(ended beside 5)" "writes of the group that had been there before"
no_limit "$disks-journals"
wait $own $hog
udevadm settle
dmsetup remove --retry org
dmsetup remove --retry beside

say "copies that somebody begins whose reads of the origin's disk have to wait"
esnap -q format --force --origin $m/org-real -c 64k $m/s1
dmsetup create org --table "0 $sectors esnapshot-org $m/org-real 128 - 1 $m/s1"
dmsetup create beside --table "0 $half linear $disks-origin 0"
udevadm settle
limit "$disks-origin"
in_group dd if=$m/beside of=/dev/null bs=1M skip=16 count=16 iflag=direct status=none &
hog=$!
sleep 2
before=$(ended beside 1)
# More than may be under way at once.
for i in $(seq 0 39); do
    in_group dd if=/dev/urandom of=$m/org bs=4k seek=$((i * 16)) count=1 oflag=direct status=none &
done
sleep 1
write_block 1600
expect "$before" "$(ended beside 1)" "reads of the group that had been there before"
no_limit "$disks-origin"
wait
dmsetup remove --retry org
esnap check $m/s1
echo "all held"
