# SPDX-License-Identifier: GPL-2.0-only
"""The source tree as the checks see it: everything but what is built or git's own."""

import functools
import os
import pathlib

NOT_SOURCE = {"build", ".git", "__pycache__"}


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)

    @functools.cached_property
    def all_files(self):
        found = []
        for directory, subdirectories, names in os.walk(self.root):
            subdirectories[:] = sorted(d for d in subdirectories if d not in NOT_SOURCE)
            found += [pathlib.Path(directory, name) for name in sorted(names)]
        return [path for path in found if path.is_file() and not path.is_symlink()]

    def files(self, under="", suffixes=()):
        """Files below a folder whose name ends in one of the suffixes (no suffix: all)."""
        base = self.root / under
        return [
            path
            for path in self.all_files
            if path.is_relative_to(base) and (not suffixes or path.name.endswith(tuple(suffixes)))
        ]

    def name(self, path):
        return str(path.relative_to(self.root))

    def first_line(self, path):
        with open(path, "rb") as file:
            return file.readline(200).decode("utf-8", "replace")
