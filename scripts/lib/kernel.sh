# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Which kernel the module is built for and the guest boots: by default the one the
# installed linux-headers-amd64 stands for. Read from the package data base, because
# Debian's security updates move it. Sourced after common.sh.
# shellcheck disable=SC2154  # top_dir, build_dir

# The version that PACKAGE (a Debian meta package) depends on, e.g. 6.1.0-56-amd64.
# Empty if the package is not installed.
meta_kernel() {
    dpkg-query -W -f='${db:Status-Status} ${Depends}\n' "$1" 2>/dev/null |
        sed -n 's/^installed .*linux-\(image\|headers\)-\([0-9][^ ,]*-amd64\).*/\2/p'
}

kernel_complete() {
    [ -n "$1" ] && [ -e "/boot/vmlinuz-$1" ] && [ -d "/lib/modules/$1/kernel" ] &&
        [ -e "/lib/modules/$1/build/Makefile" ]
}

default_kernel() {
    local version
    version=$(meta_kernel linux-headers-amd64)
    kernel_complete "$version" ||
        die "kernel image and headers are not both installed in version '$version'; run scripts/lib/deps.sh"
    printf '%s\n' "$version"
}

# The debug kernel is not installed on this machine; scripts/lib/debug-kernel.sh builds it in here.
debug_kernel_dir=$build_dir/debug-kernel

is_debug_kernel() { [[ $1 == *-esnap-debug ]]; }

# wanted_kernel NAME: the version that NAME stands for; "debug" is the debug kernel, nothing is
# what $ESNAP_VM_KERNEL says, or the default one.
wanted_kernel() {
    local name=${1:-${ESNAP_VM_KERNEL:-}}
    case $name in
    '') default_kernel ;;
    debug) cat -- "$debug_kernel_dir/version" 2>/dev/null ||
        die "the debug kernel is not built; run scripts/lib/debug-kernel.sh" ;;
    *) printf '%s\n' "$name" ;;
    esac
}

# Below which lib/modules/VERSION is.
modules_root() {
    if is_debug_kernel "$1"; then printf '%s\n' "$debug_kernel_dir/installed"; else printf '/\n'; fi
}

# modules_of VERSION: the directory that is /lib/modules/VERSION where that kernel runs.
modules_of() {
    local root
    root=$(modules_root "$1")
    printf '%s\n' "${root%/}/lib/modules/$1"
}

boot_image_of() {
    if is_debug_kernel "$1"; then
        printf '%s\n' "$debug_kernel_dir/installed/vmlinux-$1"
    else
        printf '%s\n' "/boot/vmlinuz-$1"
    fi
}

# Where scripts/build leaves the module for a kernel version.
module_of() {
    printf '%s/kmod/%s/dm-esnapshot.ko\n' "$build_dir" "$1"
}
