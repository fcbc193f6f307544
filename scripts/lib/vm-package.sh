# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What scripts/vm --systemd lays over the guest's root: what a package of the project installs,
# and the module where modprobe finds it. Sourced by scripts/vm after common.sh and kernel.sh.
# shellcheck disable=SC2154  # top_dir, build_dir

# install_module KERNEL FILE DIRECTORY: with the index that depmod makes of it and all others.
install_module() {
    local installed tree=$3/usr/lib/modules/$1 name
    installed=$(modules_of "$1")
    mkdir -p "$tree/updates"
    cp -L -- "$2" "$tree/updates/"
    for name in kernel modules.builtin modules.builtin.modinfo modules.order; do
        ln -s -- "$installed/$name" "$tree/$name"
    done
    /sbin/depmod -b "$3/usr" "$1"
    find "$tree" -type l -delete
}

# make_package KERNEL MODULE DIRECTORY: MODULE may be empty.
make_package() {
    local program=$build_dir/esnap
    [ -e "$program" ] || die "--systemd: esnap is not built (scripts/build)"
    program=$(realpath -- "$program")
    mkdir -p "$3"
    DESTDIR=$3 cmake --install "${program%/cli/esnap}" --component esnap --strip >/dev/null
    [ -z "$2" ] || install_module "$1" "$2" "$3"
}
