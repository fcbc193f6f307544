#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: host
#
# The debug kernel's detectors report: a module does what each of them is there for, in a guest of
# its own, and scripts/vm must fail with that report. A module that does nothing must not make it fail.
#
#   detectors.sh [FAULT]...

set -euo pipefail
top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=scripts/lib/common.sh
. "$top/scripts/lib/common.sh"
# shellcheck source=scripts/lib/kernel.sh
. "$top/scripts/lib/kernel.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# FAULT=what must be said of it
reports=(
    use_after_free='KASAN: (slab-)?use-after-free in use_after_free'
    out_of_bounds='KASAN: slab-out-of-bounds in out_of_bounds'
    vmalloc_out_of_bounds='KASAN: vmalloc-out-of-bounds in vmalloc_out_of_bounds'
    lock_order='possible circular locking dependency'
    lock_in_interrupt='inconsistent lock state'
    sleep_in_atomic='sleeping function called from invalid context'
    rcu_without_lock='suspicious RCU usage'
    lockdep_off='WARNING: esnap-vm: lockdep is off at the end'
    leak='WARNING: esnap-vm: memory leaked, seen with the module loaded'
    leak_at_unload='WARNING: esnap-vm: memory leaked, seen after the module was unloaded'
    object_left_in_cache='Objects remaining in es_detect'
    shift_too_far='UBSAN: shift-out-of-bounds'
    index_too_large='UBSAN: array-index-out-of-bounds'
    list_deleted_twice='list_del corruption'
    free_active_timer='ODEBUG: free active'
)

build_module() {
    local kernel
    kernel=$(wanted_kernel debug)
    cp -r -- "$top/tests/debug/detect" "$work/"
    make --no-print-directory -f "$top/Makefile.kbuild" KDIR="$(modules_of "$kernel")/build" \
        SRC="$work/detect" UBSAN_SANITIZE=y W=1 KCFLAGS=-Werror modules >"$work/log" 2>&1 || {
        cat -- "$work/log"
        exit 1
    }
}

# guest STATUS COMMAND: what scripts/vm said is in $work/out then.
guest() {
    local status=0
    "$top/scripts/vm" --smp 1 --mem 512 --timeout 100 --kernel debug --module "$work/detect/es-detect.ko" -- \
        bash -c "$2" >"$work/out" 2>&1 || status=$?
    [ "$status" -eq "$1" ] || {
        cat -- "$work/out"
        echo "status $status instead of $1: $2"
        return 1
    }
}

build_module
failed=0
guest 0 true || failed=1
for report in "${reports[@]}"; do
    fault=${report%%=*}
    [ $# -eq 0 ] || [[ " $* " = *" $fault "* ]] || continue
    if guest 99 "echo $fault >/sys/module/es_detect/parameters/fault" &&
        grep -qE -- "${report#*=}" "$work/out"; then
        echo "reported: $fault: $(grep -m 1 -oE -- "${report#*=}.*" "$work/out")"
    else
        cat -- "$work/out"
        echo "NOT REPORTED: $fault"
        failed=1
    fi
done
exit "$failed"
