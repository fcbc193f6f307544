# SPDX-License-Identifier: GPL-2.0-only
"""shellcheck has nothing to say about the shell scripts."""

import subprocess

SHELLS = ("#!/usr/bin/env bash", "#!/bin/bash", "#!/bin/sh", "#!/bin/busybox sh")


def is_shell(tree, path):
    return path.suffix == ".sh" or (not path.suffix and tree.first_line(path).startswith(SHELLS))


def shellcheck(tree, files, options):
    done = subprocess.run(
        ["shellcheck", "--external-sources", "--format=gcc", *options, *map(tree.name, files)],
        cwd=tree.root,
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    if done.returncode != 0 and not lines:
        yield done.stderr
    yield from lines


def check(tree):
    files = [path for path in tree.all_files if is_shell(tree, path)]
    # shellcheck knows no busybox line; its shell is the dash family's.
    busybox = [path for path in files if "busybox" in tree.first_line(path)]
    others = [path for path in files if path not in busybox]
    if others:
        yield from shellcheck(tree, others, [])
    if busybox:
        yield from shellcheck(tree, busybox, ["--shell=dash"])


CLEAN = {"a": '#!/usr/bin/env bash\necho "$1"\n', "b": "#!/bin/busybox sh\ntrue\n"}
PLANTED = [
    {"c": "#!/usr/bin/env bash\nrm $1\n"},
    {"c.sh": "#!/bin/sh\nrm $1\n"},
    {"b": "#!/bin/busybox sh\nrm $1\n"},
]
