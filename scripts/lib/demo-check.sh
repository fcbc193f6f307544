# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the demonstration holds its snapshots against: checksums of every file, taken at the
# instant, and the files of a clock that is never paused. Sourced by demo-guest.sh.
# shellcheck disable=SC2154  # demo_dir, volumes, read_only, least_files

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
    local root=/mnt/$1_$2 manifest=$demo_dir/$1-$2.sha256 want equal found
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
    count_ticks "/mnt/$1_$2/ticks/first"
    first=$ticks
    count_ticks "/mnt/$1_$2/ticks/second"
    second=$ticks
    [[ $second -ge 1 && ($first -eq $second || $first -eq $((second + 1))) ]] ||
        fail "$1 $2: not of one instant: the clock's files say $first and $second"
    ok "$1 $2: of one instant: the clock's files say $first and $second"
}

# big_is_old VOLUME SNAPSHOT: the large file, which only home has, is what it was before it was
# overwritten.
big_is_old() {
    local found
    [ "$1" = home ] || return 0
    found=$(sha256sum <"/mnt/$1_$2/big")
    [ "$found" = "$(cat "$demo_dir/$1-big.sha256")" ] || fail "$1 $2: the large file is not the old one"
    ok "$1 $2: the large file that was overwritten is the old one"
}

mount_image() {
    mkdir -p "/mnt/$1_$2"
    mount -o "${read_only[$1]}" "/dev/demo/$1_$2" "/mnt/$1_$2"
}

verify_snapshot() {
    mount_image "$1" "$2"
    compare "$1" "$2" "$3"
    one_instant "$1" "$2"
    big_is_old "$1" "$2"
    umount "/mnt/$1_$2"
}

# verify WHEN SNAPSHOT...: on all volumes.
verify() {
    local when=$1 snapshot
    shift
    for snapshot in "$@"; do
        each_quietly verify_snapshot @ "$snapshot" "$when"
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

# The view is monday, but for exactly what was done to it (write_to_view).
compare_view() {
    local root=/mnt/$1_try list=/tmp/$1-try same changed deleted results
    mount -o "${writable[$1]}" "/dev/demo/$1_try" "$root"
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
    ok "$1 view: $changed files changed and $deleted deleted, found again; the other $same as on monday"
}

# acknowledged_is_there VOLUME: what was synced before the power cut is on the origin. What was
# written later may be there, or zeros in its place: the file system promises nothing.
acknowledged_is_there() {
    local ticks promised
    read -r promised <"$demo_dir/acknowledged/$1"
    [ "$promised" -ge 10 ] || fail "$1: the clock had not synced anything"
    count_ticks "/mnt/$1/ticks/first" "$promised"
    [ "$ticks" = "$promised" ] || fail "$1: the clock had synced $promised ticks, $ticks are there"
    ok "$1: all $promised ticks that the clock had synced are there"
}
