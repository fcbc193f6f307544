#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 1 --disk origin=4M --disk store=16M --disk journal=8M --timeout 600
#
# Rings that were made in user space, with records in all kinds of places (esnap-rings): what the
# kernel brings to the origin is what core's walk says, byte for byte, and esnap dump prints the
# same records.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

rings=$(mktemp -d)

good_origin() { echo "0 $sectors linear $disks-origin 0"; }
# Nothing is written in place while it takes its time.
slow_origin() { echo "0 $sectors delay $disks-origin 0 0 $disks-origin 0 $1"; }
up() { dmsetup create org --table "$(org_table "$disks-journal" "$disks-store")"; }
put() { dd if="$1" of="$2" bs=1M oflag=direct status=none; }
is_like() { cmp "$1" <(dd if="$2" bs=1M iflag=direct status=none); }

say "a store that names its journal"
dmsetup create bad --table "0 $sectors error"
dmsetup create org-real --table "$(good_origin)"
esnap -q format --origin "$m/org-real" -c 16k "$disks-store"
esnap -q format --journal-for "$disks-store" "$disks-journal"
esnap-rings "$disks-journal" "$sectors" "$rings"
up
swap_under org-real "0 $sectors delay $disks-origin 0 0 $m/bad 0 0"
dd if=/dev/urandom of=$m/org bs=4k count=1 oflag=direct status=none
dmsetup remove --retry org
dd if="$disks-store" of=/tmp/store bs=1M iflag=direct status=none

say "what esnap dump prints of the records that are needed"
for ring in "$rings"/*.ring; do esnap dump "$ring" --json >"${ring%.ring}.json"; done
python3 - "$rings"/*.json <<'EOF'
import json, sys

TYPES, OPS = {"data": 1, "padding": 2}, {"write": 1, "zeroes": 2, "discard": 3, "flush": 4}


def lines(dump):
    """In the words of esnap-rings."""
    for record in dump["records"]:
        if record["torn"] or record["seq"] < dump["end"]["needed_seq"]:
            continue
        yield f"{record['seq']} {record['addr']} {TYPES[record['type']]} {record['blocks']}"
        for e in record["entries"]:
            assert e["crc_state"] == ("none" if e["crc"] is None else "ok"), record["seq"]
            yield f"  {OPS[e['op']]} {e['sector']} {e['sectors']} {e['addr'] or 0} {e['crc'] or 0}"


for path in sys.argv[1:]:
    with open(path) as dump, open(path[:-4] + "list") as wanted:
        if list(lines(json.load(dump))) != wanted.read().splitlines():
            sys.exit(f"{path}: esnap dump says something else than core's walk")
EOF

count=0
for ring in "$rings"/*.ring; do
    name=$(basename "$ring" .ring)
    # The fingerprint that the store took is of the origin as it is.
    swap_under org-real "$(good_origin)"
    blkdiscard -z $m/org-real
    put /tmp/store "$disks-store"
    put "$ring" "$disks-journal"
    swap_under org-real "$(slow_origin 100)"
    up
    is_like "$rings/$name.origin" $m/org || fail "$name: wrong while it is pending"
    swap_under org-real "$(good_origin)"
    dmsetup message org 0 drain
    is_like "$rings/$name.origin" "$disks-origin" || fail "$name: wrong when it is in place"
    dmsetup remove --retry org
    echo "$name"
    esnap check "$disks-journal" >/dev/null || fail "$name: the journal is damaged afterwards"
    count=$((count + 1))
done
[ "$count" -ge 30 ] || fail "only $count rings"
esnap check "$disks-store"
echo "all held: $count rings"
