# SPDX-License-Identifier: GPL-2.0-only
"""core/ asks its surroundings for nothing but memory moves and the checksum.

Compiled at -O2, whatever flavour the tree is built in; a sanitizer would add its own names.
"""

import pathlib
import subprocess
import tempfile

ALLOWED = {"memcpy", "memset", "memcmp", "memmove", "es_crc32c"}
COMPILE = ["cc", "-std=gnu11", "-O2", "-U_FORTIFY_SOURCE", "-fno-stack-protector", "-c"]


def names(arguments, objects):
    output = subprocess.run(
        ["nm", *arguments, *objects], check=True, capture_output=True, text=True
    ).stdout
    return {line.split()[-1] for line in output.splitlines() if line and not line.endswith(":")}


def check(tree):
    sources = tree.files("dm-target/core", (".c",))
    if not sources:
        return
    with tempfile.TemporaryDirectory(prefix="esnap-symbols-") as directory:
        objects = []
        for source in sources:
            objects.append(str(pathlib.Path(directory, source.name + ".o")))
            done = subprocess.run(
                [*COMPILE, "-I", str(tree.root / "dm-target/core"), str(source), "-o", objects[-1]],
                capture_output=True,
                text=True,
            )
            if done.returncode != 0:
                yield f"{tree.name(source)}: does not compile\n{done.stderr}"
                return
        defined = names(["--defined-only", "--extern-only"], objects)
        for name in sorted(names(["--undefined-only"], objects) - defined - ALLOWED):
            yield f"core needs {name}"


CLEAN = {
    "dm-target/core/a.c": "void *memcpy(void *, const void *, unsigned long); int b(void);\n"
    "int a(char *x, char *y, int n) { memcpy(x, y, n); return b(); }\n",
    "dm-target/core/b.c": "int b(void); int b(void) { return 1; }\n",
}
PLANTED = [
    {"dm-target/core/c.c": "void *malloc(unsigned long); void *c(void) { return malloc(9); }\n"},
    {"dm-target/core/c.c": "int printk(void); int c(void) { return printk(); }\n"},
    {"dm-target/core/c.c": "does not compile\n"},
]
