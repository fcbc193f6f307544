#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=16M --disk stores=32M --disk journals=64M --timeout 300
#
# What is pending is overwritten again and again: no read sees what was there before an acknowledged write.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

blkdiscard -z "$disks-origin"
dmsetup create org-real --table "$(origin_table 5000)" # nothing is in place soon
esnap -q format --force --origin $m/org-real -c 16k "$disks-stores"
esnap -q format --force --journal-for "$disks-stores" "$disks-journals"
dmsetup create org --table "$(org_table "$disks-journals" "$disks-stores")"

say "one range is written and read at once"
python3 "$(dirname -- "$io")/reread.py" $m/org $((20 * slow)) || fail "an acknowledged write was not seen"
expect ok "$(journal_state)" "the journal's state"
swap_under org-real "$(origin_table 0)"
dmsetup remove --retry org
esnap check "$disks-stores"
echo "all held"
