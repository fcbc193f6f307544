#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The manual pages as groff sees them: no warning of any kind, and the options are in what a
# reader gets, as one types them.
#
#   man.sh ESNAP

set -euo pipefail
program=${1:?name the program}
directory=$(mktemp -d)
trap 'rm -rf -- "$directory"' EXIT

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}

rendered() { groff -man -ww -Tutf8 -P-cbou "$1" 2>"$directory/warnings"; }

"$program" help --write "$directory"
for page in "$directory"/man8/*.8; do
    rendered "$page" >"$directory/text"
    [ ! -s "$directory/warnings" ] || fail "${page##*/}: $(cat "$directory/warnings")"
    grep -qF -- '--version' "$directory/text" || fail "${page##*/}: no --version where options are"
done
[ -e "$directory/man8/esnap-lvcreate.8" ] || fail "there is no page on lvcreate"
rendered "$directory/man8/esnap-lvcreate.8" >"$directory/text"
grep -qF -- 'esnap lvcreate --esnapshot -L 1G -n monday vg/data' "$directory/text" ||
    fail "the example cannot be copied from the page"
rendered "$directory/man8/esnap-lvs.8" >"$directory/text"
grep -qF -- "-S 'data_percent>80'" "$directory/text" || fail "quotes in an example are changed"

# This test can fail.
printf '.TH A 8\n.XX\n' >"$directory/wrong"
rendered "$directory/wrong" >/dev/null
[ -s "$directory/warnings" ] || fail "groff does not warn of a macro that is none"
