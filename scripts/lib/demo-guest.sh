#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The demonstration's part inside the guest; scripts/demo starts it, twice.
#
#   demo-guest.sh story        everything up to the power cut (does not return)
#   demo-guest.sh after-cut    on the same disk, after the next boot
#
# Two volumes, demo/home (ext4) and demo/data (xfs); of each, snapshots demo/home_monday,
# home_tuesday and home_wednesday, and a view demo/home_try.

set -euo pipefail
exec 2>&1
demo_dir=$VM_SHARE
lib=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/demo-lib.sh
. "$lib/demo-lib.sh"
# shellcheck source=scripts/lib/demo-check.sh
. "$lib/demo-check.sh"
set -E
trap 'fail "$BASH_COMMAND (line $LINENO)"' ERR

disk=/dev/disk/by-id/virtio-demo
volumes=(home data)
# mkfs.xfs wants 300 MiB at least.
declare -A size=([home]=256M [data]=320M)
declare -A make=([home]='mkfs.ext4 -q' [data]='mkfs.xfs -q')
# Images are read-only and of a file system that was frozen: there is nothing to recover.
# All have one and the same uuid, which xfs has to be told.
declare -A read_only=([home]='ro,noload' [data]='ro,norecovery,nouuid')
declare -A writable=([home]='rw' [data]='rw,nouuid')
room=64M
small_room=8M
big_mib=12
# shellcheck disable=SC2034  # used by demo-check.sh
least_files=1500

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

# in_turn COMMAND...: for every volume, one after the other; shown.
in_turn() {
    local volume
    for volume in "${volumes[@]}"; do
        run "${@//@/$volume}"
    done
}

# read_status VOLUME [STATE]: the origin's status line, into state (which has to be STATE, or ok),
# stores and queued.
read_status() {
    local words
    read -r -a words < <(dmsetup status "demo-$1")
    state=${words[3]} stores=${words[5]} queued=${words[7]}
    [ "$state" = "${2:-ok}" ] || fail "$1: the origin's state is '$state'"
}

# field FIELD VOLUME: what esnap lvs says.
field() { esnap lvs --noheadings -o "$1" "demo/$2" | tr -d ' '; }

# on_disk COMMAND...: with the LVs of the group active, and nothing on top of them.
on_disk() {
    lvchange -qq -ay -K demo
    "$@"
    lvchange -qq -an demo
}

check_stores() {
    local name
    for name in "$@"; do
        each_quietly check_store "/dev/demo/@_${name}_ecow"
    done
}

check_store() {
    local output
    output=$(esnap check "$1") || fail "esnap check $1: $output"
    output=${output##*"$1: "}
    ok "esnap check ${1#/dev/demo/}: ${output%% payload*}"
    [[ $output =~ ([0-9]+)\ chunks ]] || fail "esnap check says no number of chunks: $output"
    chunks=${BASH_REMATCH[1]}
}

nothing_is_up() {
    local found
    found=$(dmsetup info -c --noheadings -o name --select 'name=~^demo-') || true
    [[ $found != *demo-* ]] || fail "still active: $found"
    ok "nothing of the group is active"
}

# As the package installs it: what dmeventd loads, and what that runs.
install_plugin() {
    local program libraries name=libdevmapper-event-lvm2esnapshot.so
    program=$(command -v esnap)
    libraries=/usr/lib/$(uname -m)-linux-gnu
    mkdir -p "$libraries/device-mapper"
    ln -sfn "$program" /usr/sbin/esnap
    ln -sfn "$(dirname -- "$program")/$name" "$libraries/device-mapper/$name"
    ln -sfn "device-mapper/$name" "$libraries/$name"
}

# --- the job that changes files ---

ask() {
    printf '%s\n' "$*" >&"${JOB[1]}"
    read -r -t 300 -u "${JOB[0]}" reply || fail "the job that changes files has ended"
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

make_volumes() {
    step "Two logical volumes with file systems: home (ext4) and data (xfs)"
    why "With LVM alone, and not prepared in any way: a slice of /usr/share on each."
    run pvcreate -qq "$disk"
    run vgcreate -qq demo "$disk"
    local volume
    for volume in "${volumes[@]}"; do
        run lvcreate -qq -y -Wn -L "${size[$volume]}" -n "$volume" demo
    done
    each_quietly fill_volume @
    each mount /dev/demo/@ /mnt/@
    why "A job starts that changes files at random until the end."
    mkdir -p "$demo_dir/acknowledged"
    start_job 1
    changes 100
}

fill_volume() {
    # shellcheck disable=SC2086  # a command and its options
    ${make[$1]} "/dev/demo/$1"
    mkdir -p "/mnt/$1"
    mount "/dev/demo/$1" "/mnt/$1"
    mkdir "/mnt/$1/files"
    tar -x -b 512 -f "$demo_dir/files.tar" -C "/mnt/$1/files"
    [ "$1" = data ] || {
        dd if=/dev/urandom of="/mnt/$1/big" bs=1M count="$big_mib" status=none
        sha256sum <"/mnt/$1/big" >"$demo_dir/$1-big.sha256"
    }
    umount "/mnt/$1"
    why "$1: $(tar -t -b 512 -f "$demo_dir/files.tar" | wc -l) files"
}

# take_snapshot NAME ROOM-OF-HOME
take_snapshot() {
    local volume state stores queued
    # The job stands still only so that there is a truth to compare with; the clock goes on.
    ask pause
    run esnap lvcreate --esnapshot -L "$2" -n "home_$1" demo/home
    run esnap lvcreate --esnapshot -L "$room" -n "data_$1" demo/data
    for volume in "${volumes[@]}"; do
        read_status "$volume"
    done
    each_quietly take_manifest "/mnt/@" "$demo_dir/@-$1.sha256"
    ask go
}

take_snapshots() {
    step "Snapshot 'monday': of mounted volumes, while files change"
    why "One command each: it makes an LV for what will differ, puts esnapshot-org under the" \
        "mounted file system, which is frozen for that moment, and makes /dev/demo/home_monday." \
        "Checksums of all files are taken before the job may go on."
    take_snapshot monday "$room"
    changes 200

    step "Snapshot 'tuesday'"
    why "Appended to the chain. From now on only its store takes copies."
    take_snapshot tuesday "$room"
    changes 200

    step "Snapshot 'wednesday'; for home with little room"
    take_snapshot wednesday "$small_room"
}

fill_up() {
    local writer began=$SECONDS name state stores queued
    step "A store runs full: the write that needs it waits, and goes on when there is room"
    why "A file of $big_mib MiB is overwritten; home_wednesday has to keep its old content." \
        "It shall not grow by itself this time."
    run esnap lvchange --monitor n demo/home_wednesday
    show dd if=/dev/urandom of=/mnt/home/big bs=1M count="$big_mib" conv=notrunc oflag=direct
    dd if=/dev/urandom of=/mnt/home/big bs=1M count="$big_mib" conv=notrunc oflag=direct status=none &
    writer=$!
    until [[ $(dmsetup status demo-home_wednesday) == *' full'* ]]; do
        [ $((SECONDS - began)) -lt 180 ] || fail "home_wednesday did not run full"
        kill -0 "$writer" || fail "the write ended though its old content has no room"
        sleep 0.2
    done
    run esnap lvs -o lv_name,lv_attr,lv_size,data_percent,state demo/home_wednesday
    read_status home full
    [ "$queued" -gt 0 ] || fail "home: no write waits though the store is full"
    kill -0 "$writer" || fail "the write did not wait for room"
    ok "$queued writes wait; nothing failed"
    run esnap lvextend -L +48M demo/home_wednesday
    wait "$writer" || fail "the write failed"
    [ "$(field state home_wednesday)" = ok ] || fail "home_wednesday is $(field state home_wednesday)"
    ok "with more room the write went on and ended well"
    changes 200
    for name in home data; do
        require_difference "$name" monday tuesday
        require_difference "$name" tuesday wednesday
    done
}

grow_by_itself() {
    local root=/mnt/home_try before
    step "A store that grows by itself"
    before=$(field lv_size home_try)
    why "home_try has room for $before. It is watched by dmeventd, as every view and every" \
        "newest snapshot is. The file of $big_mib MiB is overwritten in it."
    run mount /dev/demo/home_try "$root"
    run dd if=/dev/urandom of="$root/big" bs=1M count="$big_mib" conv=notrunc,fsync oflag=direct status=none
    sha256sum <"$root/big" >/tmp/big
    run umount "$root"
    run esnap lvs -o lv_name,lv_attr,lv_size,data_percent,state,monitor demo/home_try
    [ "$(field lv_size home_try)" != "$before" ] || fail "home_try has not grown"
    run mount -o ro /dev/demo/home_try "$root"
    cmp -s /tmp/big <(sha256sum <"$root/big") || fail "home_try: the file is not what was written"
    ok "it has grown from $before to $(field lv_size home_try); no write failed"
    run umount "$root"
}

# Deletes, changes and adds files in the view; leaves lists of the first two.
write_to_view() {
    local root=/mnt/$1_try manifest=$demo_dir/$1-monday.sha256 list=/tmp/$1-try path
    mkdir -p "$root"
    mount -o "${writable[$1]}" "/dev/demo/$1_try" "$root"
    awk -v list="$list" 'NR % 10 < 2 { print substr($0, 67) >(list (NR % 10 ? "-changed" : "-deleted")) }' "$manifest"
    (cd "$root/files" && xargs -d '\n' rm -- <"$list-deleted")
    while read -r path; do
        echo "changed in the view of $1" >"$root/files/$path"
    done <"$list-changed"
    cp -r "$lib" "$root/added"
    umount "$root"
}

use_views() {
    step "A writable view of 'monday'"
    why "To try something on monday's files: delete a tenth, change a tenth, add some." \
        "It has room of its own; the job goes on changing the origin meanwhile."
    run esnap lvcreate --esnapview -L "$small_room" -n home_try demo/home_monday
    run esnap lvcreate --esnapview -L "$room" -n data_try demo/data_monday
    each_quietly write_to_view @
    each_quietly compare_view @
}

show_list() {
    local volume wanted=
    step "What there is"
    run esnap lvs demo
    run esnap lvs -a -o lv_name,kind,origin,lv_serial,state -S lv_name=~home demo
    for volume in data home; do
        wanted+="$volume ${volume}_monday:$volume ${volume}_tuesday:$volume ${volume}_wednesday:$volume"
        wanted+=" ${volume}_try:${volume}_monday "
    done
    [ "$(esnap lvs --noheadings --separator : -o lv_name,origin demo | sed 's/ //g; s/:$//' | sort | xargs)" = \
        "$(xargs -n 1 <<<"$wanted" | sort | xargs)" ] || fail "esnap lvs does not list what was made"
    ok "two origins, six snapshots and two views, each with what it is of"
}

# note_space VOLUME SNAPSHOT: what is in its store, checked on the way.
note_space() {
    local words chunks
    check_store "/dev/demo/$1_$2_ecow"
    read -r -a words < <(dmsetup status "demo-$1_$2")
    echo "$1 $2 $chunks" >>"$demo_dir/copies"
    echo "$1 $2 ${words[3]%/*}" >>"$demo_dir/space"
}

verify_everything() {
    step "Every file of every snapshot, compared with what it was"
    why "While the job goes on. And monday is unspoiled by what was done to its view."
    verify "job running" monday tuesday wednesday
    local name
    for name in monday tuesday wednesday try; do
        each_quietly note_space @ "$name"
    done
}

remove_oldest() {
    local volume state stores queued
    step "Remove the oldest snapshot, while files change"
    why "What a snapshot keeps is needed by itself and by older ones: the oldest can go at once."
    if esnap lvremove -y demo/home_tuesday >/tmp/said 2>&1; then
        fail "a snapshot that an older one needs was removed"
    fi
    ok "tuesday is refused as long as monday needs it: $(cat /tmp/said)"
    in_turn esnap lvremove -y demo/@_try demo/@_monday
    changes 50
    for volume in "${volumes[@]}"; do
        read_status "$volume"
        [ "$stores" = 2 ] || fail "$volume: not two stores in the chain"
        ok "$volume: two snapshots left, the job goes on"
    done
    [ "$(lvs --noheadings -o lv_name demo 2>/dev/null | grep -c -e monday -e try)" = 0 ] ||
        fail "LVs of what was removed are still there"
}

take_down() {
    step "Everything down, and every store checked"
    ask stop
    wait "$job_pid" || true
    why "... the job made ${reply#* } (changes, ticks of the clock) in all"
    each umount "/mnt/@"
    run esnap vgchange -an demo
    nothing_is_up
    on_disk check_stores tuesday wednesday
}

bring_up_again() {
    step "Up again"
    run esnap vgchange -ay demo
    verify "up again" tuesday wednesday
}

cut_power() {
    step "Power cut"
    why "Mount the origins, let the job run, reset the machine in the middle of it. What was" \
        "in the guest's memory is gone; what it had sent to its disk is still there."
    each mount "/dev/demo/@" "/mnt/@"
    start_job 2
    changes 150
    printf '    %s$ echo b >/proc/sysrq-trigger%s\n' "$dim" "$plain"
    : >"$demo_dir/power-cut"
    echo b >/proc/sysrq-trigger
    sleep 60
}

# --- after the power cut ---

recover() {
    local volume
    step "Booted again: bring up what the power cut left"
    on_disk check_stores tuesday wednesday
    run esnap vgchange -ay demo
    for volume in "${volumes[@]}"; do
        read_status "$volume"
    done
    mkdir -p "${volumes[@]/#//mnt/}"
    each mount "/dev/demo/@" "/mnt/@"
    each_quietly acknowledged_is_there @
    verify "after the power cut" tuesday wednesday
}

check_file_systems() {
    e2fsck -fn /dev/demo/home_eorig >/dev/null 2>&1 || fail "home: e2fsck found faults"
    xfs_repair -n /dev/demo/data_eorig >/dev/null 2>&1 || fail "data: xfs_repair found faults"
    ok "e2fsck and xfs_repair find nothing on the volumes beneath"
}

finish() {
    step "The end: down, every store and both file systems checked"
    each umount "/mnt/@"
    run esnap vgchange -an demo
    nothing_is_up
    on_disk check_stores tuesday wednesday
    on_disk check_file_systems
    : >"$demo_dir/finished"
}

install_plugin
case $1 in
story)
    make_volumes
    take_snapshots
    fill_up
    use_views
    grow_by_itself
    show_list
    verify_everything
    remove_oldest
    take_down
    bring_up_again
    cut_power
    ;;
after-cut)
    recover
    finish
    ;;
esac
