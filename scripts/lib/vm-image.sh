# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The guest's initramfs and the choice of the accelerator. Both are cached under build/vm.
# Sourced by scripts/vm after common.sh and kernel.sh.
# shellcheck disable=SC2154  # top_dir, build_dir

# What init needs before the host's root is mounted; everything else comes from there.
# A kernel that has one built in (modprobe says "builtin") needs no file.
early_modules=(virtio_pci virtio_console 9pnet_virtio 9p overlay virtio_blk dm-mod)

# Prints the module files in loading order, each once.
early_module_files() {
    local module
    for module in "${early_modules[@]}"; do
        /sbin/modprobe -d "$(modules_root "$1")" -S "$1" --show-depends "$module" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# unpack_module FILE DIRECTORY: busybox' insmod takes no compressed modules.
unpack_module() {
    local name=${1##*/}
    case $name in
    *.ko) cp -- "$1" "$2/$name" ;;
    *.ko.xz) xz -dc -- "$1" >"$2/${name%.xz}" ;;
    *.ko.gz) gzip -dc -- "$1" >"$2/${name%.gz}" ;;
    *.ko.zst) zstd -dqc -- "$1" >"$2/${name%.zst}" ;;
    *) die "unknown module compression: $1" ;;
    esac
}

# make_initramfs KERNEL OUTPUT. Not compressed: an emulated CPU would spend longer on
# unpacking than the host saves on reading.
make_initramfs() {
    local tree file name
    tree=$(mktemp -d "$build_dir/vm/initramfs.XXXXXX")
    mkdir -p "$tree"/{bin,dev,proc,sys,modules}
    cp -L -- /bin/busybox "$tree/bin/busybox"
    cp -- "$top_dir/scripts/lib/vm-init" "$tree/init"
    chmod 755 "$tree/init"
    : >"$tree/modules/order"
    while read -r file; do
        unpack_module "$file" "$tree/modules"
        name=${file##*/}
        printf '%s\n' "${name%%.ko*}.ko" >>"$tree/modules/order"
    done < <(early_module_files "$1")
    (cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$2.new"
    mv -- "$2.new" "$2"
    rm -rf -- "$tree"
}

# initramfs_for KERNEL: prints the path, building it when anything that goes in has changed.
# The key is made of contents, so time stamps do not matter.
initramfs_for() {
    local key image
    key=$({
        cat -- "$(modules_of "$1")/modules.dep" "$top_dir/scripts/lib/vm-init" /bin/busybox "$(boot_image_of "$1")"
        declare -f make_initramfs unpack_module early_module_files
        printf '%s ' "${early_modules[@]}"
    } | sha256sum | cut -c1-16)
    image=$build_dir/vm/initramfs-$1-$key
    [ -e "$image" ] || with_lock vm make_initramfs "$1" "$image" >&2
    printf '%s\n' "$image"
}

# unpack_kernel KERNEL OUTPUT: the ELF image inside a bzImage, if it can be entered directly
# (PVH, a "Xen" note of type 0x12). Empty output when not.
unpack_kernel() {
    local unpacker magic offset
    for unpacker in 'xz -dc --single-stream:\xfd7zXZ\x00' 'gzip -dc:\x1f\x8b\x08' 'zstd -dc:\x28\xb5\x2f\xfd'; do
        magic=${unpacker#*:}
        offset=$(LC_ALL=C grep -abo -m 1 -P "$magic" "/boot/vmlinuz-$1" | head -n 1 | cut -d: -f1) || continue
        # What follows the packed image makes the unpackers complain; the check below decides.
        # shellcheck disable=SC2086  # a command and its options
        tail -c "+$((offset + 1))" "/boot/vmlinuz-$1" | ${unpacker%%:*} >"$2.new" 2>/dev/null || true
        readelf -n "$2.new" 2>/dev/null | grep -qi 'Xen.*0x0*12\b' && break
        : >"$2.new"
    done
    mv -- "$2.new" "$2"
}

# kernel_image_for KERNEL: prints what the emulator shall boot. The kernel's own unpacking
# takes an emulated CPU four seconds, more than the rest of its start; so it is done here.
kernel_image_for() {
    local packed image
    packed=$(boot_image_of "$1")
    if is_debug_kernel "$1"; then # not packed
        printf '%s\n' "$packed"
        return
    fi
    image=$build_dir/vm/vmlinux-$1-$(sha256sum <"$packed" | cut -c1-16)
    [ -e "$image" ] || with_lock vm unpack_kernel "$1" "$image" >&2
    [ ! -s "$image" ] || packed=$image
    printf '%s\n' "$packed"
}

# accel_args ACCEL: the emulator's arguments for kvm or tcg.
#
# What is emulated byte by byte (rep movsb, which the kernel copies with if it can), bit by bit (the
# CRC of SSE 4.2), or costs every access to memory is better not there. Measured: 1 GB of zeros read
# in 0.3 instead of 1.3 s; the CRC of 4 KiB, by table, in 8 instead of 40 us.
accel_args() {
    case $1 in
    kvm) printf '%s\n' -accel kvm -cpu max ;;
    tcg) printf '%s\n' -accel tcg,thread=multi -cpu max,-erms,-fsrm,-sse4.2,-smap,-smep,-la57 ;;
    *) die "ESNAP_VM_ACCEL must be kvm or tcg, not '$1'" ;;
    esac
}

# A /dev/kvm proves nothing (nested hypervisors that cannot run a stock kernel offer one
# too), so boot the real kernel as far as init.
kvm_boots() {
    local log args
    log=$(mktemp "$build_dir/vm/probe.XXXXXX")
    mapfile -t args < <(accel_args kvm)
    timeout -k 1 10 qemu-system-x86_64 "${args[@]}" -nodefaults -no-user-config -display none \
        -no-reboot -m 512 -kernel "$(kernel_image_for "$1")" -initrd "$2" -serial "file:$log" \
        -append "console=ttyS0 panic=-1 esnap_probe" </dev/null >/dev/null 2>&1 || true
    grep -q 'esnap-vm: probe passed' "$log"
    local passed=$?
    rm -f -- "$log"
    return $passed
}

probe_accel() {
    local answer=tcg
    [ "$(cat -- "$3" 2>/dev/null | head -n 1)" = "$4" ] && return 0
    if [ -w /dev/kvm ] && kvm_boots "$1" "$2"; then
        answer=kvm
    fi
    printf '%s\n%s\n' "$4" "$answer" >"$3.new"
    mv -- "$3.new" "$3"
}

# choose_accel KERNEL INITRAMFS: prints kvm or tcg; asked once per boot of this machine.
choose_accel() {
    local cache=$build_dir/vm/accel-$1 key
    if [ -n "${ESNAP_VM_ACCEL:-}" ]; then
        printf '%s\n' "$ESNAP_VM_ACCEL"
        return
    fi
    key="$(cat /proc/sys/kernel/random/boot_id) $1 $(stat -c %t:%T,%a /dev/kvm 2>/dev/null || true)"
    [ "$(head -n 1 -- "$cache" 2>/dev/null)" = "$key" ] || with_lock vm-accel probe_accel "$1" "$2" "$cache" "$key"
    sed -n 2p "$cache"
}
