#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The pages and the completion that are installed are those esnap itself prints.
#
#   install.sh BUILD ESNAP

set -euo pipefail
build=${1:?name the build directory}
program=${2:?name the program}
directory=$(mktemp -d)
trap 'rm -rf -- "$directory"' EXIT

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}

DESTDIR=$directory/root cmake --install "$build" --component esnap >"$directory/log"
"$program" help --write "$directory/words"
diff -r "$directory/words/man8" "$directory/root/usr/share/man/man8" || fail "manual pages"
diff "$directory/words/completions/esnap" "$directory/root/usr/share/bash-completion/completions/esnap" ||
    fail "the completion"
[ -s "$directory/root/usr/share/man/man8/esnap.8" ] || fail "there is no esnap.8"
