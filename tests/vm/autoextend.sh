#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=16G --timeout 6000
#
# Areas that grow by themselves, with the real dmeventd: 8 MiB under fio at full speed, of a
# snapshot and of a view, with dmeventd killed in between, and without it; and with esnap monitor.
#
#   autoextend.sh [MIB]    size of the origin; under emulation every MiB counts

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"
# shellcheck source=tests/support/watch_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/watch_lib.sh"

mib=${1:-48}

show_log() { cat "$log" /tmp/monitor.log >&2 || true; }
trap '[ $? = 0 ] || show_log' EXIT

larger_than_before() { larger "$(size three)" "$before_size"; }

install_plugin
lvm_ready /dev/disk/by-id/virtio-a
lv data "${mib}M"
fill /dev/vg/data /tmp/first.json

say "a snapshot's area grows as often as needed"
esnap lvcreate --esnapshot -L 8M -n one vg/data
expect monitored "$(monitor one)" "the new snapshot"
before=$(digest /dev/vg/one)
fill /dev/vg/data /tmp/one.json || fail "a write failed"
expect "$before" "$(digest /dev/vg/one)" "the snapshot"
larger "$(size one)" "$mib" || fail "$mib MiB of copies are in an area of $(size one) MiB"
grep -q 'vg/one: extended from 8 to' "$log" || fail "the log does not say that it was extended"
printf 'area: 8 to %s MiB in %s extensions; the slowest write took %s ms\n' "$(size one)" \
    "$(grep -c 'vg/one: extended' "$log")" "$(slowest /tmp/one.json)"
settled

say "a view's area does, too"
esnap lvcreate --esnapview -L 8M -n view vg/one
expect monitored "$(monitor view)" "the view"
fill /dev/vg/view /tmp/view.json --size="$((mib * 2 / 3))M" --verify=crc32c --do_verify=1 || fail "the view is wrong"
expect "$before" "$(digest /dev/vg/one)" "the snapshot under the view"
larger "$(size view)" $((mib * 2 / 3)) || fail "$((mib * 2 / 3)) MiB are in an area of $(size view) MiB"
esnap lvremove -y vg/view

say "a newer snapshot is watched instead; dmeventd is killed and comes back"
esnap lvcreate --esnapshot -L 8M -n two vg/data
expect monitored "$(monitor two)" "the newest snapshot"
expect "" "$(monitor one)" "the one before"
esnap lvextend --use-policies vg/one 2>&1 | grep -q 'not the newest' || fail "an older one is extended"
before=$(digest /dev/vg/two)
# Not so fast that the area could have grown to all it needs before dmeventd is killed.
fill /dev/vg/data /tmp/two.json "--rate=$((mib / 6))m" &
writer=$!
wait_until 300 grep -q 'vg/two: extended' "$log"
kill -9 "$(pidof dmeventd)"
expect "not monitored" "$(monitor two)" "without dmeventd"
wait_until 300 is_area two full
kill -0 "$writer" || fail "the writer did not wait"
esnap vgchange --monitor y vg
expect monitored "$(monitor two)" "with dmeventd again"
wait "$writer" || fail "a write failed"
expect "$before" "$(digest /dev/vg/two)" "the snapshot"
settled

say "nobody watches: writes wait, and go on when there is room"
esnap vgchange --monitor n vg
esnap lvcreate --esnapshot -L 8M -n three vg/data
esnap lvchange --monitor n vg/three
expect "not monitored" "$(monitor three)" "the newest snapshot"
before=$(digest /dev/vg/three)
fill /dev/vg/data /tmp/three.json &
writer=$!
wait_until 300 is_area three full
esnap lvextend -L "+$((mib * 5 / 4))M" vg/three
wait "$writer" || fail "a write failed"
expect "$before" "$(digest /dev/vg/three)" "the snapshot"
settled

say "settings of one volume"
refused 3 'want a whole number, 50 to 100' esnap lvchange --autoextend-threshold 20 vg/three
refused 5 'it is an origin' esnap lvchange --autoextend-percent 20 vg/data
refused 5 'not the newest snapshot' esnap lvchange --monitor y vg/one
esnap lvchange --autoextend-threshold 95 --autoextend-percent 40 --monitor y vg/three
expect "monitored 95 40" "$(esnap lvs --noheadings -o monitor,threshold,percent vg/three | xargs)" "its settings"
expect 95 "$(dmsetup status vg-three | cut -d' ' -f7)" "the kernel's low-water mark"
before_size=$(size three)
esnap lvextend --use-policies vg/three
expect "$before_size" "$(size three)" "its size, below the threshold"

say "a file with settings that is wrong is named with its line"
mkdir -p /etc/esnap
printf '#\nautoextend = 7\n' >/etc/esnap/esnap.conf
seen=
refused 5 "/etc/esnap/esnap.conf: line 2: there is no setting 'autoextend'" esnap lvcreate --esnapshot -L 8M -n four vg/data
rm /etc/esnap/esnap.conf

say "back to the defaults, by which it is extended at once"
esnap lvchange --autoextend-threshold default --autoextend-percent default vg/three
expect "monitored 70 20" "$(esnap lvs --noheadings -o monitor,threshold,percent vg/three | xargs)" "the defaults"
wait_until 300 larger_than_before

say "taken down and up again: watched as before"
uuid=$(dmsetup info -c --noheadings -o uuid vg-three)
esnap vgchange -an vg
grep -q "$uuid is not watched\|vg-three is not watched" "$log" || fail "deactivated, and still watched"
esnap vgchange -ay vg
expect monitored "$(monitor three)" "after activation"
settled
kill "$(pidof dmeventd)"

say "without dmeventd: esnap monitor does the same"
rm "/usr/lib/$(uname -m)-linux-gnu/$plugin"
# Whoever holds the group's lock may be waiting for the room that only a watched area gets.
flock /run/esnap/lock/V_vg sleep infinity &
holder=$!
esnap monitor 2>/tmp/monitor.log &
service=$!
wait_until 60 grep -q 'vg-three is watched' /tmp/monitor.log
pkill -P "$holder"
wait "$holder" || true
expect monitored "$(monitor three)" "what was live before it"
refused 5 'another esnap monitor runs' esnap monitor
esnap lvcreate --esnapshot -L 8M -n four vg/data
expect monitored "$(monitor four)" "the new snapshot"
expect "" "$(monitor three)" "the one before"
before=$(digest /dev/vg/four)
fill /dev/vg/data /tmp/four.json || fail "a write failed"
expect "$before" "$(digest /dev/vg/four)" "the snapshot"
grep -q 'vg/four: extended from 8 to' /tmp/monitor.log || fail "nobody says that it was extended"
esnap lvchange --monitor n vg/four
expect "not monitored" "$(monitor four)" "the newest snapshot"
esnap lvchange --monitor y vg/four
kill "$service"
wait "$service" || fail "esnap monitor has not ended well"
seen=
refused 5 'plugin' esnap lvchange --monitor y vg/four
expect "not monitored" "$(monitor four)" "when nobody watches"
settled
echo "all held"
