# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scenarios of esnap on LVM share, besides vm_lib.sh; they source both.

lvm_ready() { # lvm_ready DISK: volume group vg on it
    pvcreate -q "$1" >/dev/null
    vgcreate -q vg "$1" >/dev/null
}

lv() { lvcreate -q -y -Wn -Zn -L "$2" -n "$1" vg >/dev/null 2>&1; } # lv NAME SIZE

# refused STATUS TEXT COMMAND...: it fails so, says so, and changes nothing.
refused() {
    local status=$1 text=$2 code=0 before after output
    shift 2
    before=$(picture)
    output=$("$@" 2>&1) || code=$?
    after=$(picture)
    expect "$status" "$code" "exit status of $* ($output)"
    [[ $output == *"$text"* ]] || fail "$*: wanted a message with '$text', found: $output"
    expect "$before" "$after" "the system after $*"
}

# Everything that lasts: devices with their tables, LVs with their tags, mounts.
picture() {
    dmsetup table | sort
    dmsetup info -c --noheadings -o name,suspended,uuid | sort
    lvs -a --noheadings -o lv_name,lv_size,lv_tags,lv_active,lv_skip_activation vg 2>/dev/null | sort
    grep ' /mnt' /proc/mounts || true
}

# No command's leftovers: nothing suspended, no second table, no unfinished tag, every LV of ours
# listed, every device of a volume that is listed.
settled() {
    local name
    expect "" "$(dmsetup info -c --noheadings -o name,suspended | grep Suspended || true)" "suspended devices"
    expect "" "$(dmsetup info -c --noheadings -o name,tables_loaded | grep -i inactive || true)" "second tables"
    expect "" "$(lvs -a --noheadings -o lv_tags vg 2>/dev/null | grep -E 'esnap\.(pending|removing)' || true)" "unfinished tags"
    esnap lvs -a --noheadings -o lv_name vg | tr -d '[] ' | sort >/tmp/listed
    lvs -a --noheadings -o lv_name,lv_tags vg 2>/dev/null | awk '/esnap/ { print $1 }' | sort >/tmp/tagged
    expect "" "$(comm -13 /tmp/listed /tmp/tagged)" "LVs with tags that no command knows"
    for name in $(dmsetup info -c --noheadings -o name | sed -n 's/^vg-//p'); do
        name=${name%-real}
        grep -qxF -- "$name" /tmp/listed || lvs "vg/$name" >/dev/null 2>&1 || fail "a stray device vg-$name"
    done
}
