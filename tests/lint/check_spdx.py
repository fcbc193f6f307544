# SPDX-License-Identifier: GPL-2.0-only
"""Every source file says in its first three lines under which licence it is."""

import re

NAMES = ("CMakeLists.txt", "Kbuild", "Kconfig", "Makefile.kbuild", ".clang-format")
SUFFIXES = (".c", ".h", ".cc", ".py", ".sh", ".cmake", ".conf", ".rules", ".service")
IDENTIFIER = re.compile(r"SPDX-License-Identifier: (\S+)")
MODULE = {"GPL-2.0-only"}
USER_LAND = {"GPL-2.0-only", "GPL-2.0-or-later"}


def concerned(tree, path):
    return (
        path.name in NAMES
        or path.name.endswith(SUFFIXES)
        or (not path.suffix and tree.first_line(path).startswith("#!"))
    )


def check(tree):
    for path in tree.all_files:
        if not concerned(tree, path):
            continue
        found = IDENTIFIER.search("\n".join(path.read_text().split("\n", 3)[:3]))
        name = tree.name(path)
        if not found:
            yield f"{name}: no SPDX line"
        elif found[1] not in (MODULE if name.startswith("dm-target/") else USER_LAND):
            yield f"{name}: licence {found[1]}"


TAG = "SPDX-License-" + "Identifier: "
CLEAN = {
    "a.c": f"// {TAG}GPL-2.0-or-later\n",
    "run": f"#!/bin/sh\n# {TAG}GPL-2.0-only\n",
    "data.bin": "\n",
}
PLANTED = [
    {"b.c": "int b;\n"},
    {"b": "#!/bin/sh\ntrue\n"},
    {"dm-target/b.c": f"// {TAG}GPL-2.0-or-later\n"},
    {"b.py": f"# {TAG}Proprietary\n"},
    {"b.cc": f"\n\n\n// {TAG}GPL-2.0-only\n"},
]
