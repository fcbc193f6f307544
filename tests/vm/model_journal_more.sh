#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=1G --timeout 1800
#
# What model_journal.sh leaves, on one processor: seeds 4 to 8, or those that are named.
#
#   model_journal_more.sh [FIRST_SEED SEEDS [OPTION of esnap-model]...]

set -euo pipefail
[ $# -gt 0 ] || set -- 4 5
MODEL_OPS=300 exec bash "$(dirname -- "${BASH_SOURCE[0]}")/model.sh" "$@" --journal
