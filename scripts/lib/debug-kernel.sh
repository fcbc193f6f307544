#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the debug kernel of scripts/test --debug-kernel into build/debug-kernel, out of Debian's
# linux-source-6.1, debug-kernel.patch and debug-kernel.config beside this file: image, modules, and the tree to build our
# module with. Half an hour of one processor the first time; nothing is done while source package
# and configuration are the same. Prints the kernel's version.

set -euo pipefail
# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/lib/kernel.sh
. "$top_dir/scripts/lib/kernel.sh"

package=linux-source-6.1
changes=$top_dir/scripts/lib/debug-kernel.patch
config=$top_dir/scripts/lib/debug-kernel.config
source_dir=$debug_kernel_dir/source
installed=$debug_kernel_dir/installed

# What the sources depend on: the package's version and our patch; and what all of it depends on.
source_key() { { dpkg-query -W -f='${Version}\n' "$package" && cat -- "$changes"; } | sha256sum; }
build_key() { { source_key && cat -- "$config" "${BASH_SOURCE[0]}"; } | sha256sum; }

unpack_source() {
    [ "$(cat -- "$debug_kernel_dir/source.key" 2>/dev/null)" != "$(source_key)" ] || return 0
    rm -rf -- "$source_dir" "$debug_kernel_dir/source.key"
    mkdir -p "$source_dir"
    tar -xJf "/usr/src/$package.tar.xz" -C "$source_dir" --strip-components=1
    patch -s -p1 -d "$source_dir" <"$changes"
    source_key >"$debug_kernel_dir/source.key"
}

# A detector that is not in the kernel finds nothing, and nobody would notice: each line of our
# configuration must be in the final one. "# CONFIG_X is not set" holds also if X does not exist there.
check_config() {
    local line name missing=0
    while read -r line; do
        case $line in
        '# CONFIG_'*' is not set')
            name=${line#\# }
            ! grep -q "^${name%% *}=" .config || missing=1
            ;;
        CONFIG_*) grep -qxF -- "$line" .config || missing=1 ;;
        *) continue ;;
        esac
        [ "$missing" = 0 ] || die "the kernel's configuration does not take the line: $line"
    done <"$config"
}

configure() {
    make -s tinyconfig
    scripts/kconfig/merge_config.sh -m .config "$config"
    make -s olddefconfig
    check_config
}

# The image is entered directly, so there is no need for a compressed one.
compile() {
    local version
    make -j"$(nproc)" vmlinux modules
    version=$(make -s kernelrelease)
    is_debug_kernel "$version" || die "unexpected version '$version'"
    rm -rf -- "$installed"
    make -s modules_install INSTALL_MOD_PATH="$installed"
    cp -- vmlinux "$installed/vmlinux-$version"
    printf '%s\n' "$version" >"$debug_kernel_dir/version"
}

build_kernel() {
    [ "$(cat -- "$debug_kernel_dir/key" 2>/dev/null)" != "$(build_key)" ] || return 0
    local log=$debug_kernel_dir/build.log
    rm -f -- "$debug_kernel_dir/key" "$debug_kernel_dir/version"
    say "building the debug kernel, which takes a while; its log is $log"
    # In the background, because set -e is off in a command whose failure is looked at.
    (
        unpack_source
        cd -- "$source_dir"
        configure
        compile
    ) >"$log" 2>&1 </dev/null &
    wait $! || {
        tail -n 30 -- "$log" >&2
        die "the debug kernel could not be built; see $log"
    }
    build_key >"$debug_kernel_dir/key"
}

"$top_dir/scripts/lib/deps.sh" bc bison flex libelf-dev
mkdir -p "$debug_kernel_dir"
with_lock debug-kernel build_kernel
cat -- "$debug_kernel_dir/version"
