#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=1G --timeout 2700
#
# The second half of model.sh: seeds 11 to 20.

set -euo pipefail
exec bash "$(dirname -- "${BASH_SOURCE[0]}")/model.sh" 11 10
