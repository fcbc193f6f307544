# SPDX-License-Identifier: GPL-2.0-only
"""Nothing in dm-target/ depends upward, and core/ knows no kernel.

core/ includes core's own headers only; es_env.h alone may include from outside or ask
which world it is in. store/ never names target/. target/ never sees bytes as they are on disk.
"""

import re

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
ON_DISK = re.compile(r"\b(__[lb]e(16|32|64)|[lb]e(16|32|64)_to_cpu\w*|cpu_to_[lb]e(16|32|64)\w*)\b")
CODE = (".c", ".h")


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


def check(tree):
    yield from check_core(tree)
    yield from check_store(tree)
    yield from check_target(tree)


CLEAN = {
    "dm-target/core/es_env.h": "#ifdef __KERNEL__\n#include <linux/types.h>\n#endif\n",
    "dm-target/core/es_a.h": '#include "es_env.h"\n',
    "dm-target/store/es_s.c": '#include <linux/bio.h>\n#include "es_a.h"\n',
    "dm-target/target/es_t.h": '#include "es_s.h"\n',
    "dm-target/target/es_t.c": '#include <linux/device-mapper.h>\n#include "es_t.h"\n',
}
PLANTED = [
    {"dm-target/core/es_b.c": "#include <linux/bio.h>\n"},
    {"dm-target/core/es_b.c": '#include "es_s.h"\n'},
    {"dm-target/core/es_b.c": "#ifdef __KERNEL__\n#endif\n"},
    {"dm-target/store/es_b.c": '#include "es_t.h"\n'},
    {"dm-target/store/es_b.c": '#include "../target/es_t.h"\n'},
    {"dm-target/target/es_b.c": "static __le64 x;\n"},
    {"dm-target/target/es_b.c": "\treturn le32_to_cpu(x);\n"},
]
