#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The demonstration's part inside the guest; scripts/demo starts it, twice.
#
#   demo-guest.sh story        everything up to the power cut (does not return)
#   demo-guest.sh after-cut    on the same disk, after the next boot
#
# Two volumes, "home" (ext4) and "data" (xfs), and what belongs to each:
#   /dev/demo/home_eorig          the logical volume that holds the data
#   /dev/demo/home_monday_ecow    the store of the snapshot "monday"
#   /dev/mapper/home              the origin (esnapshot-org), what users mount
#   /dev/mapper/home-monday       the snapshot's image (esnapshot)
#   /dev/mapper/home-try          a view of it (esnapshot-view), its store home_try_ecow

set -euo pipefail
exec 2>&1
demo_dir=$VM_SHARE
lib=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/demo-lib.sh
. "$lib/demo-lib.sh"
set -E
trap 'fail "$BASH_COMMAND (line $LINENO)"' ERR

disk=/dev/disk/by-id/virtio-demo
volumes=(home data)
# mkfs.xfs wants 300 MiB at least.
declare -A size_mib=([home]=256 [data]=320)
declare -A make=([home]='mkfs.ext4 -q' [data]='mkfs.xfs -q')
# Images are read-only and of a file system that was frozen: there is nothing to recover.
# All have one and the same uuid, which xfs has to be told.
declare -A read_only=([home]='ro,noload' [data]='ro,norecovery,nouuid')
declare -A writable=([home]='rw' [data]='rw,nouuid')
store_mib=128
view_mib=96
chunk=128 # sectors: 64 KiB
least_files=1500
declare -A trimmed=()

# --- small tools ---

# each COMMAND...: a program, for every volume in parallel; @ stands for its name.
each() {
    show "${@//@/${volumes[0]}}"
    printf '      %s(and the same for %s)%s\n' "$dim" "${volumes[1]}" "$plain"
    each_quietly indented "$@"
}

indented() { "$@" 2>&1 | sed 's/^/      /'; }

# each_quietly COMMAND...: the same, not shown; may be a function.
each_quietly() {
    local volume pids=() pid failed=0
    for volume in "${volumes[@]}"; do
        "${@//@/$volume}" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || failed=1
    done
    [ "$failed" = 0 ] || fail "$*"
}

sectors_of() { echo $((${size_mib[$1]} * 2048)); }

# --- dm tables ---

# origin_table VOLUME SNAPSHOT...: oldest first.
origin_table() {
    local volume=$1 snapshot stores=
    shift
    for snapshot in "$@"; do
        stores+=" /dev/demo/${volume}_${snapshot}_ecow"
    done
    echo "0 $(sectors_of "$volume") esnapshot-org /dev/demo/${volume}_eorig $chunk - $#$stores"
}

image_table() { echo "0 $(sectors_of "$1") esnapshot /dev/demo/$1_$2_ecow"; }

create_image() { dmsetup create "$1-$2" --readonly --table "$(image_table "$1" "$2")"; }

view_table() {
    echo "0 $(sectors_of "$1") esnapshot-view /dev/demo/$1_try_ecow /dev/demo/$1_eorig /dev/demo/$1_$2_ecow"
}

# read_status VOLUME: the origin's status line, into state, stores, copied and chunks.
read_status() {
    local words
    read -r -a words < <(dmsetup status "$1")
    state=${words[3]} stores=${words[5]} copied=${words[6]%/*} chunks=${words[6]#*/}
    [ "$state" = ok ] || fail "$1: the origin's state is '$state'"
}

# --- the truth, and comparing with it ---

# take_manifest DIRECTORY FILE: the checksum of every file.
take_manifest() {
    (cd "$1/files" && find . -type f -print0 | xargs -0 sha256sum) | LC_ALL=C sort -k 2 >"$2"
}

lines() {
    local all
    mapfile -t all <"$1"
    echo "${#all[@]}"
}

# compare VOLUME SNAPSHOT WHEN: every file of the mounted image has the checksum of the
# manifest, and there is no other file.
compare() {
    local root=/mnt/$1-$2 manifest=$demo_dir/$1-$2.sha256 want equal found
    want=$(lines "$manifest")
    [ "$want" -ge "$least_files" ] || fail "$1 $2: only $want files in the manifest"
    equal=$(cd "$root/files" && sha256sum -c "$manifest" 2>/dev/null | grep -c ': OK$') || true
    found=$(find "$root/files" -type f -printf . | wc -c)
    [ "$equal" = "$want" ] || fail "$1 $2, $3: $equal of $want files are as they were"
    [ "$found" = "$want" ] || fail "$1 $2, $3: $found files instead of $want"
    echo "$1 $2 $equal" >>"$demo_dir/compared"
    ok "$1 $2, $3: $equal of $want files are as they were"
}

# count_ticks FILE [NUMBER]: into ticks; the file, or its first lines, have to hold 1, 2, 3, ...
count_ticks() {
    local all i
    mapfile -t -n "${2:-0}" all <"$1"
    ticks=${#all[@]}
    for ((i = 0; i < ticks; i++)); do
        [ "${all[i]}" = $((i + 1)) ] || fail "$1: '${all[i]}' in line $((i + 1))"
    done
}

# one_instant VOLUME SNAPSHOT: the clock writes each number to the first file, then to the
# second. Of one instant, the second is at most one number behind.
one_instant() {
    local ticks first second
    count_ticks "/mnt/$1-$2/ticks/first"
    first=$ticks
    count_ticks "/mnt/$1-$2/ticks/second"
    second=$ticks
    [[ $second -ge 1 && ($first -eq $second || $first -eq $((second + 1))) ]] ||
        fail "$1 $2: not of one instant: the clock's files say $first and $second"
    ok "$1 $2: of one instant: the clock's files say $first and $second"
}

mount_image() {
    mkdir -p "/mnt/$1-$2"
    mount -o "${read_only[$1]}" "/dev/mapper/$1-$2" "/mnt/$1-$2"
}

verify_snapshot() {
    mount_image "$1" "$2"
    compare "$1" "$2" "$3"
    one_instant "$1" "$2"
    umount "/mnt/$1-$2"
}

# verify WHEN SNAPSHOT...: on all volumes.
verify() {
    local when=$1 snapshot
    shift
    for snapshot in "$@"; do
        each_quietly verify_snapshot @ "$snapshot" "$when"
    done
}

check_store() {
    local output
    output=$(esnap check "$1") || fail "esnap check $1: $output"
    output=${output##*"$1: "}
    ok "esnap check ${1#/dev/demo/}: ${output%% payload*}"
}

# --- the job that changes files ---

ask() {
    printf '%s\n' "$*" >&"${JOB[1]}"
    read -r -t 120 -u "${JOB[0]}" reply || fail "the job that changes files has ended"
}

start_job() {
    coproc JOB { exec python3 -IS "$lib/demo-job.py" "$1" "$demo_dir/acknowledged" "${volumes[@]/#//mnt/}"; }
    job_pid=${JOB_PID:?}
}

# changes NUMBER: until the job has made that many more on each volume.
changes() {
    ask changes "$1"
    why "... $1 changes later on each volume"
}

# --- the story ---

lvm_commands() {
    local volume snapshot
    for volume in "${volumes[@]}"; do
        echo "lvcreate -qq -y -Wn -L ${size_mib[$volume]}M -n ${volume}_eorig demo"
        for snapshot in monday tuesday wednesday; do
            echo "lvcreate -qq -y -Wn -L ${store_mib}M -n ${volume}_${snapshot}_ecow demo"
        done
        echo "lvcreate -qq -y -Wn -L ${view_mib}M -n ${volume}_try_ecow demo"
    done
}

# Nobody here waits for links in /dev/disk, and udev's programs take an emulated processor
# half of the time. Told so, LVM and dmsetup make their device nodes themselves.
do_without_udev() {
    udevadm settle
    udevadm control --exit
    rm -f /run/udev/control # by which others know that udev is there
    export DM_DISABLE_UDEV=1
}

make_volumes() {
    step "Two volumes with file systems: home (ext4) and data (xfs)"
    why "Plain logical volumes with a slice of /usr/share on each, not prepared in any way; and" \
        "one for each snapshot and view, where old data or changes will go (its \"store\")."
    do_without_udev
    run pvcreate -qq "$disk"
    run vgcreate -qq demo "$disk"
    show lvcreate -y -Wn -L "${size_mib[home]}M" -n home_eorig demo
    show lvcreate -y -Wn -L "${store_mib}M" -n home_monday_ecow demo
    why "... and eight more"
    # One program for all ten: starting it is what takes an emulated processor long.
    lvm_commands | lvm >/dev/null 2>&1
    [ "$(lvs --noheadings -o lv_name demo | wc -l)" = 10 ] || fail "making the logical volumes"
    each_quietly fill_volume @
}

fill_volume() {
    # shellcheck disable=SC2086  # a command and its options
    ${make[$1]} "/dev/demo/$1_eorig"
    mkdir -p "/mnt/$1"
    mount "/dev/demo/$1_eorig" "/mnt/$1"
    mkdir "/mnt/$1/files"
    tar -x -b 512 -f "$demo_dir/files.tar" -C "/mnt/$1/files"
    umount "/mnt/$1"
    why "$1: $(tar -t -b 512 -f "$demo_dir/files.tar" | wc -l) files"
}

take_over() {
    local volume
    step "Put the target esnapshot-org on top"
    why "Nothing is converted: without a snapshot it is a pass-through. 'esnap lvcreate', which" \
        "will do all of this in one command, is still to come: here are the steps by hand."
    for volume in "${volumes[@]}"; do
        run dmsetup create "$volume" --table "$(origin_table "$volume")"
    done
    each mount "/dev/mapper/@" "/mnt/@"
    why "fstrim: what holds nothing now need not be copied later."
    each fstrim -v "/mnt/@"
    why "A job starts that changes files at random until the end."
    mkdir -p "$demo_dir/acknowledged"
    start_job 1
    changes 100
}

load_with_store() { dmsetup load "$1" --table "$(origin_table "$@")"; }

# Takes the newest of the snapshots named.
take_snapshot() {
    local name=${*: -1} before='' volume state stores copied chunks
    if [ $# -gt 1 ]; then
        before=${*: -2:1}
        each esnap format --origin /dev/demo/@_eorig --after "/dev/demo/@_${before}_ecow" "/dev/demo/@_${name}_ecow"
    else
        each esnap format --origin /dev/demo/@_eorig "/dev/demo/@_${name}_ecow"
    fi
    show dmsetup load home --table "$(origin_table home "$@")"
    each_quietly load_with_store @ "$@"

    # The job stands still only so that there is a truth to compare with; the clock goes on.
    ask pause
    each dmsetup suspend @
    for volume in "${volumes[@]}"; do
        [ -z "$before" ] || note_copies "$volume" "$before"
    done
    each dmsetup resume @
    for volume in "${volumes[@]}"; do
        read_status "$volume"
        trimmed[$volume]=$copied
        why "$volume: $copied of $chunks chunks were trimmed, so need no copy"
    done
    each_quietly take_manifest "/mnt/@" "$demo_dir/@-$name.sha256"
    ask go
    each_quietly create_image @ "$name"
    show dmsetup create "home-$name" --readonly --table "$(image_table home "$name")"
}

# note_copies VOLUME SNAPSHOT: what this snapshot, the newest so far, had to copy.
note_copies() {
    local state stores copied chunks
    read_status "$1"
    echo "$1 $2 $((copied - trimmed[$1]))" >>"$demo_dir/copies"
}

take_snapshots() {
    local volume older
    step "Snapshot 'monday': mounted, while files change"
    why "Format a store, load a table that names it, suspend (which freezes the file system)" \
        "and resume. Checksums of all files are taken before the job may go on."
    take_snapshot monday
    changes 200

    step "Snapshot 'tuesday'"
    why "Appended to the chain. From now on only its store takes copies."
    take_snapshot monday tuesday
    changes 200

    step "Snapshot 'wednesday'"
    take_snapshot monday tuesday wednesday
    changes 200
    for volume in "${volumes[@]}"; do
        for older in monday:tuesday tuesday:wednesday; do
            require_difference "$volume" "${older%:*}" "${older#*:}"
        done
    done
}

# require_difference VOLUME SNAPSHOT SNAPSHOT: without one, comparing would prove nothing.
require_difference() {
    local number
    number=$(comm -23 <(sort "$demo_dir/$1-$2.sha256") <(sort "$demo_dir/$1-$3.sha256") | wc -l)
    [ "$number" -ge 20 ] || fail "$1: only $number files changed from $2 to $3"
    echo "$1 $2 $number" >>"$demo_dir/changed"
    ok "$1: $number files of $2 were changed or deleted until $3"
}

# Deletes, changes and adds files in the view; leaves lists of the first two.
write_to_view() {
    local root=/mnt/$1-try manifest=$demo_dir/$1-monday.sha256 list=/tmp/$1-try path
    mkdir -p "$root"
    mount -o "${writable[$1]}" "/dev/mapper/$1-try" "$root"
    awk -v list="$list" 'NR % 10 < 2 { print substr($0, 67) >(list (NR % 10 ? "-changed" : "-deleted")) }' "$manifest"
    (cd "$root/files" && xargs -d '\n' rm -- <"$list-deleted")
    while read -r path; do
        echo "changed in the view of $1" >"$root/files/$path"
    done <"$list-changed"
    cp -r "$lib" "$root/added"
    umount "$root"
}

# The view is monday, but for exactly what was done to it.
compare_view() {
    local root=/mnt/$1-try list=/tmp/$1-try same changed deleted results
    mount -o "${writable[$1]}" "/dev/mapper/$1-try" "$root"
    deleted=$(lines "$list-deleted")
    changed=$(lines "$list-changed")
    same=$(($(lines "$demo_dir/$1-monday.sha256") - changed - deleted))
    results=$(cd "$root/files" && sha256sum -c "$demo_dir/$1-monday.sha256" 2>/dev/null |
        sed 's/.*: //' | sort | uniq -c) || true
    [[ $results =~ ^\ *$changed\ FAILED$'\n'\ *$deleted\ FAILED\ open\ or\ read$'\n'\ *$same\ OK$ ]] ||
        fail "$1 view: not $changed changed, $deleted deleted, $same as on monday: $results"
    [ "$(cd "$root/files" && xargs -d '\n' cat <"$list-changed" | grep -c '^changed in the view')" = "$changed" ] ||
        fail "$1 view: a file has not what was written to it"
    diff -r "$lib" "$root/added" || fail "$1 view: what was added is not there"
    umount "$root"
    echo "$1 $changed $deleted $same" >>"$demo_dir/view"
    ok "$1 view: $changed files changed and $deleted deleted, found again; the other $same as on monday"
}

use_views() {
    local volume
    step "A writable view of 'monday'"
    why "To try something on monday's files: delete a tenth, change a tenth, add some." \
        "It has a store of its own; the job goes on changing the origin meanwhile."
    each esnap format --view-of /dev/demo/@_monday_ecow /dev/demo/@_try_ecow
    for volume in "${volumes[@]}"; do
        run dmsetup create "$volume-try" --table "$(view_table "$volume" monday)"
    done
    each_quietly write_to_view @
    each_quietly compare_view @
}

note_space() {
    local volume name words
    for volume in "${volumes[@]}"; do
        note_copies "$volume" wednesday
        for name in monday tuesday wednesday try; do
            read -r -a words < <(dmsetup status "$volume-$name")
            echo "$volume $name ${words[3]%/*}" >>"$demo_dir/space"
        done
    done
}

verify_everything() {
    step "Every file of every snapshot, compared with what it was"
    why "While the job goes on. And monday is unspoiled by what was done to its view."
    verify "job running" monday tuesday wednesday
    note_space
}

drop_oldest() {
    local volume state stores copied chunks
    step "Drop the oldest snapshot, while files change"
    why "A snapshot's copies are needed by itself and by older ones: the oldest can go at once."
    for volume in "${volumes[@]}"; do
        run dmsetup remove --retry "$volume-try" "$volume-monday"
    done
    show dmsetup load home --table "$(origin_table home tuesday wednesday)"
    each_quietly load_with_store @ tuesday wednesday
    each dmsetup suspend @
    each dmsetup resume @
    changes 50
    for volume in "${volumes[@]}"; do
        read_status "$volume"
        [ "$stores" = 2 ] || fail "$volume: not two stores in the chain"
        ok "$volume: two snapshots left, the job goes on"
    done
}

remove_all() { dmsetup remove --retry "$1-tuesday" "$1-wednesday" "$1"; }

detach() {
    local volume name
    step "Detach everything, check every store"
    ask stop
    wait "$job_pid" || true
    why "... the job made ${reply#* } (changes, ticks of the clock) in all"
    each umount "/mnt/@"
    show dmsetup remove home-tuesday home-wednesday home
    each_quietly remove_all @
    for volume in "${volumes[@]}"; do
        for name in monday tuesday wednesday try; do
            check_store "/dev/demo/${volume}_${name}_ecow"
        done
    done
    refuse_dropped
}

refuse_dropped() {
    local said
    said=$(dmsetup create home --table "$(origin_table home monday tuesday wednesday)" 2>&1) &&
        fail "a chain with the dropped store was attached"
    show dmsetup create home --table "$(origin_table home monday tuesday wednesday)"
    said=$(dmesg | sed -n 's/.*device-mapper: \(table: .*esnapshot-org: .*\)/\1/p' | tail -n 1)
    [[ $said = *removed* ]] || fail "the dropped store is refused, but not by name: $said"
    ok "monday's store is refused from now on: $said"
}

attach() {
    local volume state stores copied chunks
    for volume in "${volumes[@]}"; do
        run dmsetup create "$volume" --table "$(origin_table "$volume" tuesday wednesday)"
        read_status "$volume"
    done
    each_quietly create_image @ tuesday
    each_quietly create_image @ wednesday
}

attach_again() {
    step "Attach again"
    attach
    verify "attached again" tuesday wednesday
}

cut_power() {
    step "Power cut"
    why "Mount the origins, let the job run, reset the machine in the middle of it. What was" \
        "in the guest's memory is gone; what it had sent to its disk is still there."
    each mount "/dev/mapper/@" "/mnt/@"
    start_job 2
    changes 150
    printf '    %s$ echo b >/proc/sysrq-trigger%s\n' "$dim" "$plain"
    : >"$demo_dir/power-cut"
    echo b >/proc/sysrq-trigger
    sleep 60
}

# --- after the power cut ---

recover() {
    local volume name
    step "Booted again: attach what the power cut left"
    do_without_udev
    run vgchange -qq -ay demo
    for volume in "${volumes[@]}"; do
        for name in tuesday wednesday; do
            check_store "/dev/demo/${volume}_${name}_ecow"
        done
    done
    attach
    mkdir -p "${volumes[@]/#//mnt/}"
    each mount "/dev/mapper/@" "/mnt/@"
    each_quietly acknowledged_is_there @
    verify "after the power cut" tuesday wednesday
}

# What was synced before the cut is on the origin. What was written later may be there, or
# zeros in its place: the file system promises nothing.
acknowledged_is_there() {
    local ticks promised
    read -r promised <"$demo_dir/acknowledged/$1"
    [ "$promised" -ge 10 ] || fail "$1: the clock had not synced anything"
    count_ticks "/mnt/$1/ticks/first" "$promised"
    [ "$ticks" = "$promised" ] || fail "$1: the clock had synced $promised ticks, $ticks are there"
    ok "$1: all $promised ticks that the clock had synced are there"
}

finish() {
    local volume name
    step "The end: detach, check every store and both file systems"
    each umount "/mnt/@"
    each_quietly remove_all @
    for volume in "${volumes[@]}"; do
        for name in monday tuesday wednesday try; do
            check_store "/dev/demo/${volume}_${name}_ecow"
        done
    done
    e2fsck -fn /dev/demo/home_eorig >/dev/null 2>&1 || fail "home: e2fsck found faults"
    xfs_repair -n /dev/demo/data_eorig >/dev/null 2>&1 || fail "data: xfs_repair found faults"
    ok "e2fsck and xfs_repair find nothing"
    : >"$demo_dir/finished"
}

case $1 in
story)
    make_volumes
    take_over
    take_snapshots
    use_views
    verify_everything
    drop_oldest
    detach
    attach_again
    cut_power
    ;;
after-cut)
    recover
    finish
    ;;
esac
