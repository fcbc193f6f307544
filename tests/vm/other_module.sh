#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: host
#
# esnap with a kernel module of another release, and with none: refused, and nothing changed.

set -euo pipefail
top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=scripts/lib/common.sh
. "$top/scripts/lib/common.sh"
# shellcheck source=scripts/lib/kernel.sh
. "$top/scripts/lib/kernel.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

cp -r -- "$top/dm-target" "$work/"
sed -i 's/\.version = { 1, 0, 0 }/.version = { 2, 0, 0 }/' "$work/dm-target/target"/*_target.c
grep -q 'version = { 2, 0, 0 }' "$work/dm-target/target/es_view_target.c"
make --no-print-directory -j2 -f "$top/Makefile.kbuild" KDIR="$(modules_of "$(wanted_kernel "")")/build" \
    SRC="$work/dm-target" modules >"$work/log" 2>&1 || {
    cat -- "$work/log"
    exit 1
}
"$top/scripts/vm" --smp 1 --disk a=64M --timeout 300 --module "$work/dm-target/dm-esnapshot.ko" -- \
    bash "$top/tests/support/other_module_guest.sh"
