# SPDX-License-Identifier: GPL-2.0-only
"""C++ is as clang-format and the .clang-format at the top would have it.

Kernel code is left to checkpatch: clang-format undoes its hand-made tables and drawings.
"""

import pathlib
import subprocess

STYLE = pathlib.Path(__file__).resolve().parents[2] / ".clang-format"


def check(tree):
    module = tree.root / "dm-target"
    files = [path for path in tree.files("", (".cc", ".h")) if not path.is_relative_to(module)]
    if not files:
        return
    done = subprocess.run(
        ["clang-format", f"--style=file:{STYLE}", "--dry-run", "-Werror", *map(str, files)],
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stderr.splitlines() if ": error: " in line]
    if done.returncode != 0 and not lines:
        yield done.stderr
    for path in files:
        places = [line for line in lines if line.startswith(f"{path}:")]
        if places:
            yield f"{tree.name(path)}: {len(places)} places to change; run clang-format -i on it"


CLEAN = {
    "a.cc": "int a(int b) {\n    return b;\n}\n",
    "dm-target/a.h": "int a (int b);\n",
}
PLANTED = [
    {"a.cc": "int a(int b) {\n  return b;\n}\n"},
    {"b.h": "int a (int b);\n"},
]
