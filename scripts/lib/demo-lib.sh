# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# How the demonstration speaks, and how it counts its checks. Sourced by scripts/demo on
# the host and by demo-guest.sh in the guest. demo_dir is a directory both of them see.
# shellcheck disable=SC2154  # demo_dir

# The host decides (DEMO_COLOUR=1): what the guest writes to is never a terminal.
if [ "${DEMO_COLOUR:-0}" = 1 ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[1;31m' plain=$'\e[0m'
else
    bold='' dim='' green='' red='' plain=''
fi

# step TITLE: numbered through host and guest.
step() {
    echo "$1" >>"$demo_dir/steps"
    local steps
    mapfile -t steps <"$demo_dir/steps"
    printf '\n%s%2d. %s%s\n' "$bold" "${#steps[@]}" "$1" "$plain"
}

# why LINE...: what is done, and what for.
why() { printf '    %s\n' "$@"; }

# show COMMAND...: prints it as one would type it.
show() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] || word="'$word'"
        line+=" $word"
    done
    printf '    %s$%s%s\n' "$dim" "$line" "$plain"
}

# ok TEXT: a check that held.
ok() {
    echo "$1" >>"$demo_dir/checks"
    printf '    %sok%s  %s\n' "$green" "$plain" "$1"
}

# fail TEXT: a check that did not, or anything else that must not happen.
fail() {
    echo "$1" >>"$demo_dir/failures"
    printf '    %sFAILED%s  %s\n' "$red" "$plain" "$1"
    exit 1
}

# run COMMAND...: shows and does it.
run() {
    show "$@"
    "$@" 2>&1 | sed 's/^/      /'
}
