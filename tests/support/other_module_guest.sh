#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What happens in the guest of tests/vm/other_module.sh, where a module of version 2 is loaded.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/cli_lib.sh"

lvm_ready /dev/disk/by-id/virtio-a
lv data 16M
for words in "lvcreate --esnapshot -L 8M -n s vg/data" "vgchange -ay" "lvs"; do
    # shellcheck disable=SC2086  # words
    refused 5 'has version 2.0.0' esnap $words
done
rmmod dm_esnapshot
for words in "lvcreate --esnapshot -L 8M -n s vg/data" "vgchange -ay" "lvs"; do
    # shellcheck disable=SC2086  # words
    refused 5 'it is not there for this kernel' esnap $words
done
echo "all held"
