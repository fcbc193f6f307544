#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=1G --timeout 2700
#
# What model.sh leaves, on one processor: seeds 3 to 20, or those that are named.
#
#   model_more.sh [FIRST_SEED SEEDS [OPTION of esnap-model]...]

set -euo pipefail
[ $# -gt 0 ] || set -- 3 18
exec bash "$(dirname -- "${BASH_SOURCE[0]}")/model.sh" "$@"
