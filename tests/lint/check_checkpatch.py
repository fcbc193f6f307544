# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's checkpatch --strict has nothing to say about dm-target/ and the modules of tests/debug/.

checkpatch.pl is in no header package; it is taken from Debian's kernel source archive.
"""

import glob
import os
import pathlib
import subprocess
import tarfile

TOOL = pathlib.Path(__file__).resolve().parents[2] / "build" / "checkpatch"
PARTS = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch")

# Only where a rule meets what it was not made for:
EXCEPT = {
    # gives user space the kernel's names, so it has to use the others
    "es_env.h": (
        "PREFER_KERNEL_TYPES,CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO,COMPLEX_MACRO,NEW_TYPEDEFS"
    ),
    # has the byte offset as a comment in front of each field of a record
    "es_block.c": "TABSTOP",
    "es_superblock.c": "TABSTOP",
    "es_format.h": "TABSTOP",
    "es_jformat.c": "TABSTOP",
}


def unpack_tool():
    if all((TOOL / part).exists() for part in PARTS):
        return
    archives = sorted(glob.glob("/usr/src/linux-source-*.tar.xz"))
    if not archives:
        raise SystemExit("no /usr/src/linux-source-*.tar.xz; run scripts/lib/deps.sh")
    TOOL.mkdir(parents=True, exist_ok=True)
    missing = set(PARTS)
    with tarfile.open(archives[-1], "r|xz") as archive:
        for member in archive:
            path = pathlib.PurePath(member.name)
            if path.parent.name != "scripts" or path.name not in missing:
                continue
            whole = TOOL / f"{path.name}.{os.getpid()}"  # another test may do the same now
            whole.write_bytes(archive.extractfile(member).read())
            whole.rename(TOOL / path.name)
            missing.discard(path.name)
            if not missing:
                break


def checkpatch(tree, files, ignored):
    command = ["perl", str(TOOL / "checkpatch.pl"), "--no-tree", "--strict", "--terse"]
    command += ["--show-types", "--no-summary", *(["--ignore", ignored] if ignored else [])]
    done = subprocess.run(
        [*command, "-f", *map(str, files)],
        cwd=TOOL,  # it leaves a cache of names where it runs
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if done.returncode != 0 and not lines:
        yield f"checkpatch failed: {done.stderr}"
    yield from (line.replace(f"{tree.root}/", "", 1) for line in lines)


def check(tree):
    unpack_tool()
    files = [*tree.files("dm-target", (".c", ".h")), *tree.files("tests/debug", (".c", ".h"))]
    plain = [path for path in files if path.name not in EXCEPT]
    if plain:
        yield from checkpatch(tree, plain, "")
    for path in files:
        if path.name in EXCEPT:
            yield from checkpatch(tree, [path], EXCEPT[path.name])


HEAD = "// SPDX-License-" + "Identifier: GPL-2.0-only\n"
CLEAN = {"dm-target/a.c": HEAD + "static int a(int b)\n{\n\treturn b;\n}\n"}
PLANTED = [
    {"dm-target/a.c": HEAD + "static int a(int b)\n{\n    return b;\n}\n"},
    {"dm-target/b.c": HEAD + "static int a(int b) {\n\treturn b;\n}\n"},
    {"dm-target/core/es_env.h": "/* " + HEAD[3:-1] + " */\nint a(int b , int c);\n"},
    {"dm-target/b.c": HEAD + "int b;\n\n\nint c;\n"},
]
