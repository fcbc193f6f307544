#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: host
#
# Power cuts by replay: a workload is recorded under dm-log-writes; then the disk is made
# again as a cut may have left it, at every flush and FUA write and with random parts of what
# was not durable, recovered, and compared with what was acknowledged: for a few points by the
# module in the guest, twice each, for many in user space on this machine (docs/testing.md).
#
#   power_cut_rack.sh [WORKLOADS [POINTS [MODULE_POINTS [FIRST_SEED [WRITES]]]]]
#
# Every other workload, those with an even seed, has a write journal. POINTS and MODULE_POINTS are
# for each workload. A failure names seed, point and variant and leaves the log, from which it can
# be repeated; the seed alone repeats the workload, not the times at which its threads got on.
# RACK_MODULE=FILE takes another module than the built one, RACK_WORK=DIRECTORY is for logs.

set -euo pipefail
top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
work=${RACK_WORK:-$top/build/rack}
mkdir -p "$work"

workloads=${1:-2}
points=${2:-4000}
module_points=${3:-12}
first_seed=${4:-1}
writes=${5:-1000}

options=()
[ -z "${RACK_MODULE:-}" ] || options+=(--module "$RACK_MODULE")

one() { # one SEED
    local log=$work/seed-$1.$$.img journal=()
    [ $(($1 % 2)) -ne 0 ] || journal=(--journal)
    if "$top/scripts/vm" --smp 1 --timeout $((300 + module_points * 20)) "${options[@]}" \
        --disk data=256M --disk "log=4G,keep=$log" --disk again=256M \
        -- bash "$top/tests/support/power_cut_rack_guest.sh" "$1" "$writes" "$module_points" \
        "${journal[@]}" &&
        "$top/build/esnap-rack" sweep --log "$log" --points "$points"; then
        rm -f -- "$log"
    else
        echo "seed $1 FAILED; its log is $log (sweep --log, or a guest's disk for recover)"
        return 1
    fi
}

for ((seed = first_seed; seed < first_seed + workloads; seed++)); do
    one "$seed"
done
echo "all held: $workloads workloads, $points points each, $module_points of them by the module"
