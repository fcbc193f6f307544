#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=512M --timeout 2400
#
# Every command is killed before its 1st, 2nd, ... call to LVM or device-mapper, until it comes
# to its end. After each kill the next command must leave a consistent system: the origin's data
# right and reachable, snapshots that were complete intact, nothing suspended, stray or unfinished.
#
#   cli_killed.sh [--watched] [COMMAND]...
#   COMMANDs: first idle next view remove rename extend grow down up journal unjournal
#
# With --watched dmeventd and its plugin are there, and what can fill must be watched afterwards.
# Without COMMANDs a part of them; "all" is all, and takes some ten minutes.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"

# shellcheck source=tests/support/watch_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/watch_lib.sh"

watched=0
[ "${1:-}" != --watched ] || { watched=1 && shift; }
[ $# -gt 0 ] || set -- first idle next unjournal
[ "$*" != all ] || set -- first idle next view remove rename extend grow down up journal unjournal
[ "$watched" = 0 ] || install_plugin
kills=0

# killed_at N COMMAND...: its exit status
killed_at() {
    local code=0
    ESNAP_TEST_KILL_BEFORE_CALL=$1 "${@:2}" >/tmp/out 2>&1 || code=$?
    echo "$code"
}

# What must hold after any command, killed or not.
check() { # check WHAT
    settled
    expect "$data" "$(content)" "$1: the volume's content"
    expect "$(lvs --noheadings --units b --nosuffix -o lv_size -S 'lv_name=~"^data(_eorig)?$"' vg 2>/dev/null | xargs)" \
        "$(blockdev --getsize64 /dev/vg/data)" "$1: the volume's size"
    for name in "${!snapshots[@]}"; do
        expect "${snapshots[$name]}" "$(digest "/dev/vg/$name")" "$1: snapshot $name"
    done
    [ "$watched" = 0 ] || check_watched "$1"
}

# The newest snapshot and every view, and nothing else.
check_watched() { # check_watched WHAT
    local list newest wanted
    list=$(esnap lvs --noheadings --separator : -o lv_name,kind,monitor,lv_serial vg | tr -d ' ')
    newest=$(awk -F: '$2 == "snapshot" { print $4, $1 }' <<<"$list" | sort -n | tail -n 1)
    wanted=$(awk -F: -v newest="${newest#* }" '
        $2 == "view" || ($2 == "snapshot" && $1 == newest) { print $1 }' <<<"$list" | sort | xargs)
    expect "$wanted" "$(awk -F: '$3 == "monitored" { print $1 }' <<<"$list" | sort | xargs)" "$1: what is watched"
}

# kill_everywhere WHAT RESET COMMAND...: RESET brings back what the command needs, if the kill
# came so late that it was done all the same.
kill_everywhere() {
    local what=$1 reset=$2 n code
    shift 2
    for ((n = 1; ; n++)); do
        code=$(killed_at "$n" "$@")
        [ "$code" -ne 0 ] || break
        expect 137 "$code" "exit status of $* killed before call $n ($(cat /tmp/out))"
        kills=$((kills + 1))
        esnap -q vgchange -ay vg || fail "$what, killed before call $n: the next command fails"
        check "$what, killed before call $n"
        "$reset"
    done
    [ "$n" -gt 1 ] || fail "$what was never killed"
    [ "$what" = deactivating ] || check "$what, not killed"
    echo "$what: killed at $((n - 1)) places"
}

# Of as much as the volume has from the beginning.
content() { dd if=/dev/vg/data bs=1M count=4 iflag=direct status=none | summary; }
overwrite() { dd if=/dev/urandom of=/dev/vg/data bs=64k count=16 oflag=direct status=none; }
hold_open() { exec 9<>/dev/vg/data; }
let_go() { exec 9>&-; }
is_there() { esnap lvs --noheadings -o lv_name "vg/$1" >/dev/null 2>&1; }

lvm_ready /dev/disk/by-id/virtio-a
lv data 4M
dd if=/dev/urandom of=/dev/vg/data bs=1M oflag=direct status=none 2>/dev/null || true
data=$(content)
declare -A snapshots=()

# Whatever was kept is dropped: back to an ordinary volume.
start_over() {
    local name
    let_go 2>/dev/null || true
    drop_journal
    while name=$(esnap lvs --noheadings -o lv_name -S 'kind=view' vg | head -n 1 | tr -d ' ') && [ -n "$name" ]; do
        esnap -q lvremove -y "vg/$name"
    done
    while name=$(esnap lvs --noheadings -o lv_name -S 'kind=snapshot' vg | head -n 1 | tr -d ' ') && [ -n "$name" ]; do
        esnap -q lvremove -y "vg/$name"
    done
    esnap -q vgchange -ay vg
    snapshots=()
    data=$(content)
}

add_snapshot() { # add_snapshot NAME
    esnap -q lvcreate --esnapshot -L 8M -n "$1" vg/data
    snapshots[$1]=$(digest /dev/vg/data)
    overwrite
    data=$(content)
}

reset_first() {
    start_over
    hold_open
}
drop_new() { ! is_there new || esnap -q lvremove -y vg/new; }
drop_newest() {
    # A snapshot that was taken all the same is complete, and right.
    is_there new || return 0
    expect "$data" "$(digest /dev/vg/new)" "the snapshot that was completed"
    start_over
    add_snapshot old
}
nothing() { :; }
has_journal() { [ -n "$(esnap lvs -a --noheadings -o lv_name -S kind=journal vg)" ]; }
drop_journal() { ! has_journal || esnap -q lvremove -y vg/data_ejrnl; }
# With writes that are not in place yet; the writers have their acknowledgement.
add_journal() {
    has_journal || esnap -q lvcreate --esnapjrnl -L 4M vg/data
    overwrite
    data=$(content)
}
# The snapshot that was being removed is gone or what it was.
make_old_again() {
    if is_there old; then
        expect "$removed" "$(digest /dev/vg/old)" "the snapshot whose removal was killed"
    else
        start_over
        prepare_remove
    fi
}
prepare_remove() {
    add_snapshot old
    add_snapshot young
    removed=${snapshots[old]}
    unset 'snapshots[old]'
}
rename_back() {
    is_there renamed || return 0
    esnap -q lvrename vg renamed old
}

for command in "$@"; do
    say "$command"
    start_over
    case $command in
    first)
        hold_open
        kill_everywhere "the first snapshot of a volume in use" reset_first esnap lvcreate --esnapshot -L 8M -n new vg/data
        ;;
    idle)
        kill_everywhere "the first snapshot of an idle volume" start_over esnap lvcreate --esnapshot -L 8M -n new vg/data
        ;;
    next)
        hold_open
        add_snapshot old
        kill_everywhere "a second snapshot" drop_newest esnap lvcreate --esnapshot -L 8M -n new vg/data
        ;;
    view)
        add_snapshot old
        kill_everywhere "a view" drop_new esnap lvcreate --esnapview -L 8M -n new vg/old
        ;;
    remove)
        prepare_remove
        kill_everywhere "removing a snapshot" make_old_again esnap lvremove -y vg/old
        ;;
    rename)
        add_snapshot old
        unset 'snapshots[old]'
        kill_everywhere "renaming a snapshot" rename_back esnap lvrename vg old renamed
        ;;
    extend)
        add_snapshot old
        kill_everywhere "extending a snapshot" nothing esnap lvextend -L +4M vg/old
        ;;
    grow)
        hold_open
        add_snapshot old
        kill_everywhere "growing a volume in use" nothing esnap lvextend -L +4M vg/data
        ;;
    down)
        add_snapshot old
        kill_everywhere "deactivating" nothing esnap vgchange -an vg
        esnap -q vgchange -ay vg
        ;;
    up)
        add_snapshot old
        esnap -q vgchange -an vg
        take_down() { esnap -q vgchange -an vg; }
        kill_everywhere "activating" take_down esnap vgchange -ay vg
        ;;
    journal)
        hold_open
        add_snapshot old
        kill_everywhere "adding a journal" drop_journal esnap lvcreate --esnapjrnl -L 4M vg/data
        ;;
    unjournal)
        hold_open
        add_snapshot old
        add_journal
        kill_everywhere "removing a journal" add_journal esnap lvremove -y vg/data_ejrnl
        ;;
    *) fail "there is no command $command" ;;
    esac
done
echo "$kills kills, all held"
