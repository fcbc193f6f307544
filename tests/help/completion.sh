#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Completes command lines as bash does when TAB is pressed, with the script that esnap prints.
#
#   completion.sh ESNAP
#
# The names of volumes come from stand-ins for esnap lvs, lvs and vgs.

set -euo pipefail
program=${1:?name the program}
directory=$(mktemp -d)
trap 'rm -rf -- "$directory"' EXIT

"$program" help --completion >"$directory/completion"
bash -n "$directory/completion"
! command -v shellcheck >/dev/null || shellcheck -s bash "$directory/completion"

# stand_in NAME COMMANDS: a program of this name
stand_in() { printf '#!/bin/sh\n%s\n' "$2" >"$directory/$1" && chmod +x "$directory/$1"; }
stand_in esnap 'printf "  vg/data\n  vg/monday\n  vg/try\n"'
stand_in lvs 'printf "  vg/data_eorig\n  vg/monday_ecow\n  vg/root\n  vg/swap\n"'
stand_in vgs 'printf "  vg\n  other\n"'
PATH=$directory:$PATH
cd "$directory"
touch store.img
# shellcheck source=/dev/null
. ./completion

failures=0
# completes WANTED WORD...: the last word is the one at the cursor; WANTED in any order.
completes() {
    local wanted found
    wanted=$(tr ' ' '\n' <<<"$1" | sort)
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _esnap || true # nothing to offer is no failure
    found=$(printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"} | sort)
    [ "$wanted" = "$found" ] || {
        printf 'FAILED: %s<TAB>: wanted %s, found %s\n' "$*" "${wanted//$'\n'/ }" "${found//$'\n'/ }"
        failures=1
    }
}

[[ $(complete -p esnap) == *'-F _esnap esnap' ]]
completes lvcreate esnap lvcr
completes 'lvremove lvrename' esnap lvre
completes lvcreate esnap -v lvcr
completes '--verbose --version' esnap --ver
completes '--esnapshot --esnapview --esnapjrnl' esnap lvcreate --esn
completes '--noheadings --nosuffix' esnap lvs --no
completes '' esnap lvcreate --nothing
completes '' esnap nothing --esn
completes '' esnap lvcreate -n ''
completes 'y n' esnap vgchange -a ''
completes 'y n' esnap lvchange --monitor ''
completes 'json' esnap lvs --reportformat j
completes 'json basic' esnap lvs --reportformat = ''
completes 'json basic' esnap lvs --reportformat =
completes 'json' esnap lvs --reportformat = j
completes 'vg_name' esnap lvs -o vg
completes '+vg_name' esnap lvs -o +vg
completes '+state,vg_name' esnap lvs -o +state,vg
completes 'lv_name,vg_name' esnap lvs -o lv_name,vg
completes 'vg/data vg/monday vg/try' esnap lvremove ''
completes 'vg/monday' esnap lvremove -y vg/try vg/m
completes 'vg/data' esnap lvchange -a n 'vg/d'
completes 'vg/data vg/monday vg/try vg/root vg/swap' esnap lvcreate --esnapshot vg/
completes 'vg other vg/data vg/monday vg/try' esnap lvs ''
completes 'vg vg/data vg/monday vg/try' esnap lvrename v
completes 'vg other' esnap vgchange -a y ''
completes 'store.img' esnap check st
completes "$directory/store.img" esnap lvremove "$directory/st"
completes 'store.img' esnap format --origin st
completes 'lvcreate' esnap help lvcr
completes '--man' esnap help --m

# Who may not ask gets nothing, and no message on the command line that is being typed.
stand_in esnap 'echo "this needs root" >&2; exit 5'
stand_in lvs 'echo "this needs root" >&2; exit 5'
completes '' esnap lvremove '' 2>noise
completes '' esnap lvcreate '' 2>>noise
[ ! -s noise ] || {
    echo "FAILED: messages: $(cat noise)"
    failures=1
}
exit "$failures"
