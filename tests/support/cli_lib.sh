# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scenarios of esnap on LVM share, besides vm_lib.sh; they source both.

lvm_ready() { # lvm_ready DISK: volume group vg on it
    pvcreate -q "$1" >/dev/null
    vgcreate -q vg "$1" >/dev/null
}

lv() { lvcreate -q -y -Wn -Zn -L "$2" -n "$1" vg >/dev/null 2>&1; } # lv NAME SIZE

# refused STATUS TEXT COMMAND...: it fails so, says so, and changes nothing. What one refusal has left
# is what the next one finds: whoever changes something between two sets "seen=".
seen=
refused() {
    local status=$1 text=$2 code=0 before after output
    shift 2
    before=${seen:-$(picture)}
    output=$("$@" 2>&1) || code=$?
    after=$(picture)
    expect "$status" "$code" "exit status of $* ($output)"
    [[ $output == *"$text"* ]] || fail "$*: wanted a message with '$text', found: $output"
    expect "$before" "$after" "the system after $*"
    seen=$after
}

# Everything that lasts: devices with their tables, LVs with their tags, mounts.
picture() {
    {
        dmsetup table
        dmsetup info -c --noheadings -o name,suspended,uuid
        lvs -a --noheadings -o lv_name,lv_size,lv_tags,lv_active,lv_skip_activation vg 2>/dev/null
        grep ' /mnt' /proc/mounts || true
    } | sort
}

# No command's leftovers: nothing suspended, no second table, no unfinished tag, every LV of ours
# listed, every device of a volume that is listed; and every store and journal is sound.
settled() {
    local devices tags listed name tag
    seen=
    devices=$(dmsetup info -c --noheadings -o name,suspended,tables_loaded)
    [[ $devices != *[Ss]uspended* ]] || fail "suspended devices: $devices"
    [[ $devices != *[Ii]nactive* ]] || fail "second tables: $devices"
    tags=$(lvs -a --noheadings -o lv_name,lv_tags vg 2>/dev/null)
    [[ ! $tags =~ esnap\.(pending|removing) ]] || fail "unfinished tags: $tags"
    listed=" $(esnap lvs -a --noheadings -o lv_name vg | tr -d '[]' | xargs) "
    while read -r name tag; do
        [[ $tag != *esnap* || $listed == *" ${name//[\[\]]/} "* ]] || fail "$name has tags that no command knows: $tag"
    done <<<"$tags"
    while IFS=: read -r name _; do
        [[ $name == vg-* ]] || continue
        [[ ! $name =~ _(ecow|ejrnl)$ ]] || esnap check "/dev/mapper/$name" >/tmp/checked 2>&1 ||
            fail "esnap check of $name: $(cat /tmp/checked)"
        name=${name#vg-}
        name=${name%-real}
        [[ $listed == *" $name "* ]] || lvs "vg/$name" >/dev/null 2>&1 || fail "a stray device vg-$name"
    done <<<"$devices"
}
