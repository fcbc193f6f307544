#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Installs what building and testing needs and the machine does not have (Debian 12,
# root or sudo). Costs one dpkg-query when nothing is missing. Kernel image and headers
# are installed together, so that they have the same version.
#
#   scripts/lib/deps.sh [--user-land | --no-tests] [PACKAGE]...
#
#   --user-land  only what building user land needs
#   --no-tests   leave out what only tests and benchmarks need; it is the larger part
#   PACKAGE      one more, that only its caller needs

set -euo pipefail
# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/lib/kernel.sh
. "$top_dir/scripts/lib/kernel.sh"

packages=(
    cmake g++ make pkg-config catch2 python3
    libdevmapper-dev liblvm2-dev libblkid-dev libfmt-dev nlohmann-json3-dev libboost-program-options-dev
)
module_and_guest_packages=(
    # module
    xz-utils sparse
    # guest: emulator, initramfs, and the programs run inside
    qemu-system-x86 busybox-static cpio kmod systemd util-linux udev
    dmsetup dmeventd lvm2 e2fsprogs xfsprogs
)
test_packages=(clang-format groff-base patch shellcheck perl linux-source-6.1 thin-provisioning-tools fio)
kernel_packages=(linux-image-amd64 linux-headers-amd64)
case ${1:-} in
--user-land) shift && kernel_packages=() ;;
--no-tests) shift && packages+=("${module_and_guest_packages[@]}") ;;
*) packages+=("${module_and_guest_packages[@]}" "${test_packages[@]}") ;;
esac
packages+=("$@")

missing_packages() {
    local installed
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' \
        "${packages[@]}" "${kernel_packages[@]}" 2>/dev/null |
        sed -n 's/^installed //p' || true)
    printf '%s\n' "${packages[@]}" "${kernel_packages[@]}" |
        grep -vxF -f <(printf '%s\n' "$installed") || true
}

kernel_pair_matches() {
    [ "${#kernel_packages[@]}" -gt 0 ] || return 0
    kernel_complete "$(meta_kernel linux-headers-amd64)"
}

# Nothing that is installed here is needed as a running service of this machine (lvm2,
# dmeventd and udev bring some), and where device-mapper is absent they could only fail.
# A policy that is already there is the administrator's and stays.
policy=/usr/sbin/policy-rc.d

hold_services() {
    [ -e "$policy" ] && return 0
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
}

install_missing() {
    local missing
    mapfile -t missing < <(missing_packages)
    kernel_pair_matches || missing+=("${kernel_packages[@]}")
    [ "${#missing[@]}" -gt 0 ] || return 0

    # Naming one of the pair must name both: apt would bring the newest of one
    # and leave the other as it is.
    case " ${missing[*]} " in
    *" linux-"*"-amd64 "*) missing+=("${kernel_packages[@]}") ;;
    esac
    say "installing: ${missing[*]}"
    hold_services
    local apt=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq)
    "${apt[@]}" update >&2
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2
    kernel_pair_matches || die "kernel image and headers differ in version after the installation"
}

if [ -n "$(missing_packages)" ] || ! kernel_pair_matches; then
    with_lock deps install_missing
fi
