#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What happens in the guests of tests/vm/boot.sh: boot_guest.sh PHASE [MILLISECONDS].
#
#   create       volumes with file systems, snapshots while fio writes, a view; fstab for the
#                next boots. Ends with an orderly shutdown, everything mounted.
#   cut ROUND MS verifies everything, then takes a snapshot while fio writes; the power fails
#                MS milliseconds after that began
#   end          verifies everything; orderly shutdown
#
# In $VM_SHARE: fstab, the checksums of images (images) and of files (files-NAME), the snapshots
# that "esnap lvcreate" has acknowledged (acknowledged).

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/vm_lib.sh"

# Both characters that a group's name may have and systemd's names do not take as they are.
vg=boot-vg+1
dev=/dev/$vg
disk=/dev/disk/by-id/virtio-disk
share=$VM_SHARE
origins=(home data late)
declare -A size=([home]=32M [data]=48M [late]=16M)

# mkfs.xfs makes so small a file system only for testers.
make_file_system() {
    case $1 in
    data) TEST_DIR=/ TEST_DEV=/ QA_CHECK_FS=1 mkfs.xfs -q "$dev/$1" ;;
    *) mkfs.ext4 -q "$dev/$1" ;;
    esac
}

take_files() { # take_files MOUNTPOINT NAME: the checksums of its files
    (cd "$1/files" && sha256sum -- *) >"$share/files-$2"
}

compare_files() { # compare_files MOUNTPOINT NAME
    [ -s "$share/files-$2" ] || fail "no checksums of the files of $2"
    (cd "$1/files" && sha256sum --quiet -c "$share/files-$2") || fail "$1: not the files of $2"
}

start_writing() { # start_writing ORIGIN...
    local name
    for name in "$@"; do
        fio --name=load --filename="/srv/$name/load" --size=4M --rw=randwrite --bs=4k --direct=1 --ioengine=libaio \
            --iodepth=4 --time_based --runtime=600 --rate_iops=200 --fallocate=none --output=/dev/null &
        writers+=($!)
    done
}

stop_writing() {
    kill -INT "${writers[@]}"
    wait "${writers[@]}" || true
    writers=()
}
writers=()

# --- the first boot ---

make_origin() {
    local i
    lvcreate -qq -y -Wn -L "${size[$1]}" -n "$1" "$vg"
    make_file_system "$1"
    mkdir -p "/srv/$1"
    mount "$dev/$1" "/srv/$1"
    mkdir "/srv/$1/files"
    for i in 1 2 3 4 5 6 7 8; do
        head -c 200K /dev/urandom >"/srv/$1/files/$i"
    done
    sync -f "/srv/$1"
    take_files "/srv/$1" "$1"
}

take_snapshot() { # take_snapshot ORIGIN NAME: that this worked outlives the guest
    esnap -q lvcreate --esnapshot -L 32M -n "$2" "$vg/$1"
    echo "$1 $2" >>"$share/acknowledged"
}

take_image() { echo "$1 $(digest "$dev/$1")" >>"$share/images"; }

make_view() {
    esnap -q lvcreate --esnapview -L 16M -n try "$vg/monday"
    mkdir -p /srv/try
    mount "$dev/try" /srv/try
    rm /srv/try/files/1
    echo "changed in the view" >/srv/try/files/2
    take_files /srv/try try
    umount /srv/try
}

write_fstab() {
    cat >"$share/fstab" <<EOF
UUID=$(blkid -o value -s UUID "$dev/home") /srv/home ext4 defaults 0 2
$dev/data /srv/data xfs defaults 0 0
$dev/late /srv/late ext4 defaults 0 2
$dev/monday /srv/monday ext4 ro,noload 0 0
$dev/tuesday /srv/tuesday xfs ro,norecovery,nouuid 0 0
$dev/try /srv/try ext4 defaults 0 0
EOF
}

# For the host, which looks into the stores when the guest is gone.
note_places() {
    lvs -a --noheadings -o lv_name,seg_start_pe,seg_pe_ranges "$vg" >"$share/places"
    vgs --noheadings --units b --nosuffix -o vg_extent_size,pe_start "$vg" >"$share/extents"
}

create() {
    local name
    pvcreate -qq "$disk"
    vgcreate -qq "$vg" "$disk"
    for name in "${origins[@]}"; do
        make_origin "$name"
    done
    start_writing home data
    say "snapshots while fio writes"
    take_snapshot home monday
    take_snapshot data tuesday
    make_view
    sleep 1
    stop_writing
    take_image monday
    take_image tuesday
    write_fstab
    note_places
    expect LVM "$(uuid_kind home)" "kind of the device of an origin taken over in use"
}

# --- every other boot ---

uuid_kind() { dmsetup info -c --noheadings -o uuid "$(dm_name "$1")" | cut -d- -f1; }
dm_name() { echo "${vg/-/--}-$1"; }
property() { udevadm info --query=property --property="$2" --value "$1"; }

verify_mounts() {
    local device place rest
    while read -r device place rest; do
        mountpoint -q "$place" || fail "$place ($device) is not mounted"
    done <"$share/fstab"
    expect "/dev/mapper/$(dm_name home)" "$(findmnt -no SOURCE /srv/home)" "what UUID= has found"
}

# An origin with snapshots is never there without them.
verify_origins() {
    local name
    for name in "${origins[@]}"; do
        grep -q "^$name " "$share/acknowledged" || continue
        expect ESNAP "$(uuid_kind "$name")" "$name: kind of the device"
        expect esnapshot-org "$(dmsetup table "$(dm_name "$name")" | cut -d' ' -f3)" "$name: target"
        expect ok "$(dmsetup status "$(dm_name "$name")" | cut -d' ' -f4)" "$name: state"
    done
}

# Of what is on images, views and hidden LVs udev knows nothing.
verify_udev() {
    local node
    udevadm settle
    for node in "$dev"/{monday,tuesday,try} /dev/mapper/*_e{orig,cow}; do
        expect "" "$(property "$node" ID_FS_TYPE)" "$node: type of file system known to udev"
    done
    expect ext4 "$(property "$dev/home" ID_FS_TYPE)" "the origin's"
    expect "$(realpath "$dev/home")" "$(realpath "/dev/disk/by-uuid/$(blkid -o value -s UUID "$dev/home")")" \
        "what by-uuid points to"
}

verify_files() {
    local name
    for name in "${origins[@]}" try; do
        compare_files "/srv/$name" "$name"
    done
    compare_files /srv/monday home
    compare_files /srv/tuesday data
}

verify_images() {
    local name sum
    while read -r name sum; do
        expect "$sum" "$(digest "$dev/$name")" "image of $name"
    done <"$share/images"
}

# Snapshots of the rounds: what was acknowledged is there; its files are those of the origin.
verify_acknowledged() {
    local origin name options
    while read -r origin name; do
        [ -b "$dev/$name" ] || fail "snapshot $name was acknowledged and is not there"
        options=ro,noload
        [ "$origin" != data ] || options=ro,norecovery,nouuid
        mkdir -p /mnt/image
        mount -o "$options" "$dev/$name" /mnt/image
        compare_files /mnt/image "$origin"
        umount /mnt/image
    done <"$share/acknowledged"
}

# Who watches has come up by itself: the newest snapshots and the view grow as before.
verify_watched() {
    local lines name
    lines=$(esnap lvs --noheadings -o lv_name,origin,lv_serial,monitor -S 'kind=snapshot' "$vg" | sort -k3,3n)
    for name in "${origins[@]}"; do
        grep -q "^$name " "$share/acknowledged" || continue
        expect monitored "$(awk -v o="$name" '$2 == o { m = $4 } END { print m }' <<<"$lines")" "the newest of $name"
    done
    expect monitored "$(esnap lvs --noheadings -o monitor "$vg/try" | xargs)" "the view"
}

# Nothing half-made is left: esnap has finished it or taken it back.
verify_settled() {
    local left
    left=$(lvs --noheadings -o lv_name -S 'lv_tags={"esnap.pending"} || lv_tags={"esnap.removing"}' "$vg")
    expect "" "$left" "LVs that are neither taken nor removed"
    systemctl is-failed --quiet "esnap-activate@*" && fail "esnap-activate has failed"
    return 0
}

verify() {
    say "up after $(cut -d' ' -f1 /proc/uptime) s"
    verify_mounts
    verify_origins
    verify_udev
    verify_files
    verify_images
    verify_acknowledged
    verify_watched
    verify_settled
    say "verified: $(wc -l <"$share/acknowledged") snapshots, $(wc -l <"$share/images") by the checksum of their image"
}

# cut ROUND MILLISECONDS
cut_power() {
    local origin=${origins[($1 + 1) % 3]}
    start_writing "${origins[@]}"
    sleep 1
    (take_snapshot "$origin" "round$1" && take_image "round$1") &
    sleep "$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))"
    echo b >/proc/sysrq-trigger
    sleep 60
}

case $1 in
create) create ;;
cut)
    verify
    cut_power "$2" "$3"
    ;;
end)
    verify
    note_places
    ;;
esac
