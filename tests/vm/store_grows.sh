#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=32M --disk store=64M --timeout 300
#
# The newest store grows while one copy of its superblock cannot be written, first the one, then the
# other: it has the new room at once, or when that copy can be written again; no write is lost, and
# the snapshot neither.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

m=/dev/mapper
disks=/dev/disk/by-id/virtio
size=65536

swap_under() { # swap_under DEVICE, with its table on standard input
    dmsetup load "$1"
    dmsetup suspend --noflush --nolockfs "$1"
    dmsetup resume "$1"
}
state() { dmsetup status org | cut -d' ' -f4; }
part() { echo "$1 $2 linear $disks-store $1"; } # part FROM SECTORS, of the store's disk
is_full_or_done() { [ "$(state)" = full ] || ! kill -0 "$writer" 2>/dev/null; }
is_done() { ! kill -0 "$writer" 2>/dev/null; }

for bad in 0 64; do
    say "the superblock at sector $bad cannot be written"
    dd if=/dev/urandom of="$disks-origin" bs=1M count=32 oflag=direct status=none
    part 0 16384 | dmsetup create store
    esnap -q format --force --origin "$disks-origin" -c 4k $m/store
    dmsetup create org --table "0 $size esnapshot-org $disks-origin 8 - 1 $m/store"
    dmsetup create snap -r --table "0 $size esnapshot $m/store"
    before=$(digest $m/snap)
    {
        [ $bad -eq 0 ] || part 0 64
        echo "$bad 8 error"
        part $((bad + 8)) $((131072 - bad - 8))
    } | swap_under store
    dd if=/dev/urandom of=$m/org bs=1M count=32 oflag=direct status=none &
    writer=$!
    wait_for 60 is_full_or_done
    echo "$(state), $(is_done && echo everything written || echo a write waits)"
    part 0 131072 | swap_under store
    dmsetup message snap 0 grown
    wait_for 60 is_done
    wait "$writer" || fail "a write failed"
    expect ok "$(state)" "the chain in the end"
    expect "$before" "$(digest $m/snap)" "the snapshot"
    dmsetup remove --retry snap
    dmsetup remove --retry org
    esnap check $m/store
    dmsetup remove --retry store
done
echo "all held"
