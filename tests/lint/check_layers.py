# SPDX-License-Identifier: GPL-2.0-only
"""Nothing depends upward: dm-target/'s layers, policy/, watching/ and the dmeventd plugin; core/ knows no kernel.

core/ includes core's own headers only; es_env.h alone may include from outside or ask
which world it is in. store/ never names target/. target/ never sees bytes as they are on disk. policy/ is pure: its own headers
and libraries. watching/ and the plugin, which live in dmeventd, name nothing of cli/ and never LVM's library.
"""

import re

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
ON_DISK = re.compile(r"\b(__[lb]e(16|32|64)|[lb]e(16|32|64)_to_cpu\w*|cpu_to_[lb]e(16|32|64)\w*)\b")
CODE = (".c", ".h")
CPP = (".cc", ".h")


def lines_of(path):
    return enumerate(path.read_text().splitlines(), 1)


def headers_in(tree, layer):
    return {path.name for path in tree.files(f"dm-target/{layer}", (".h",))}


def check_core(tree):
    own = headers_in(tree, "core")
    for path in tree.files("dm-target/core", CODE):
        if path.name == "es_env.h":
            continue
        for number, line in lines_of(path):
            where = f"{tree.name(path)}:{number}"
            include = INCLUDE.match(line)
            if include and not (include[1] == '"' and include[2] in own):
                yield f"{where}: core includes {include[2]}"
            if "__KERNEL__" in line:
                yield f"{where}: only es_env.h may ask for __KERNEL__"


def check_store(tree):
    forbidden = headers_in(tree, "target")
    for path in tree.files("dm-target/store", CODE):
        for number, line in lines_of(path):
            include = INCLUDE.match(line)
            if include and ("target/" in include[2] or include[2].split("/")[-1] in forbidden):
                yield f"{tree.name(path)}:{number}: store includes {include[2]} of target"


def check_target(tree):
    for path in tree.files("dm-target/target", CODE):
        for number, line in lines_of(path):
            found = ON_DISK.search(line)
            if found:
                yield f"{tree.name(path)}:{number}: target handles {found[0]}, which is core's"


def own_includes(tree, folder):
    for path in tree.files(folder, CPP):
        for number, line in lines_of(path):
            include = INCLUDE.match(line)
            if include:
                yield f"{tree.name(path)}:{number}", include[1], include[2]


def check_policy(tree):
    for where, quote, name in own_includes(tree, "policy"):
        if quote == '"' and not name.startswith("policy/"):
            yield f"{where}: policy includes {name}"
        elif quote == "<" and ("devmapper" in name or name.startswith(("lvm", "sys/", "boost/"))):
            yield f"{where}: policy includes {name}: it asks nothing of the system"


def check_in_daemon(tree, folder, *below):
    for where, quote, name in own_includes(tree, folder):
        if (quote == '"' and name.split("/")[0] not in (folder, *below)) or "lvm2cmd" in name:
            yield f"{where}: {folder} includes {name}"


def check_plugin(tree):
    yield from check_in_daemon(tree, "watching", "policy", "dm-ext")
    yield from check_in_daemon(tree, "dmeventd-plugin", "policy", "dm-ext", "watching")


def check(tree):
    yield from check_policy(tree)
    yield from check_plugin(tree)
    yield from check_core(tree)
    yield from check_store(tree)
    yield from check_target(tree)


CLEAN = {
    "dm-target/core/es_env.h": "#ifdef __KERNEL__\n#include <linux/types.h>\n#endif\n",
    "dm-target/core/es_a.h": '#include "es_env.h"\n',
    "dm-target/store/es_s.c": '#include <linux/bio.h>\n#include "es_a.h"\n',
    "dm-target/target/es_t.h": '#include "es_s.h"\n',
    "dm-target/target/es_t.c": '#include <linux/device-mapper.h>\n#include "es_t.h"\n',
    "policy/p.cc": '#include "policy/p.h"\n#include <string>\n',
    "dmeventd-plugin/e.cc": '#include "dm-ext/status.h"\n#include "policy/p.h"\n#include <spawn.h>\n',
}
PLANTED = [
    {"dm-target/core/es_b.c": "#include <linux/bio.h>\n"},
    {"dm-target/core/es_b.c": '#include "es_s.h"\n'},
    {"dm-target/core/es_b.c": "#ifdef __KERNEL__\n#endif\n"},
    {"dm-target/store/es_b.c": '#include "es_t.h"\n'},
    {"dm-target/store/es_b.c": '#include "../target/es_t.h"\n'},
    {"dm-target/target/es_b.c": "static __le64 x;\n"},
    {"dm-target/target/es_b.c": "\treturn le32_to_cpu(x);\n"},
    {"policy/b.cc": '#include "volumes/chain.h"\n'},
    {"policy/b.h": "#include <libdevmapper.h>\n"},
    {"dmeventd-plugin/b.cc": '#include "lvm/api.h"\n'},
    {"watching/b.cc": '#include "dmeventd-plugin/p.h"\n'},
    {"dmeventd-plugin/b.cc": "#include <lvm2cmd.h>\n"},
]
