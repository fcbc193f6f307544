#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs one mechanical check over the source tree.

    tests/lint/run.py [--self-test] NAME

Each check is a module check_NAME beside this file with
    check(tree)   yields one line of text per finding
    CLEAN         {path: content}, a tree without findings
    PLANTED       [{path: content}, ...], each of which, laid over CLEAN, must be found
--self-test runs the check on those: a check that cannot fail proves nothing.
"""

import importlib
import pathlib
import sys
import tempfile

from tree import Tree

TOP = pathlib.Path(__file__).resolve().parents[2]


def lay_out(directory, files):
    for path, content in files.items():
        target = pathlib.Path(directory, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


def findings_in(module, files):
    with tempfile.TemporaryDirectory(prefix="esnap-lint-") as directory:
        lay_out(directory, files)
        return list(module.check(Tree(pathlib.Path(directory))))


def self_test(module):
    """Prints what is wrong with the check; true if nothing is."""
    good = True
    for finding in findings_in(module, module.CLEAN):
        print(f"false alarm: {finding}")
        good = False
    for planted in module.PLANTED:
        if not findings_in(module, {**module.CLEAN, **planted}):
            print(f"not found: {planted}")
            good = False
    return good and bool(module.PLANTED)


def main(arguments):
    testing = arguments[:1] == ["--self-test"]
    names = arguments[1:] if testing else arguments
    if len(names) != 1:
        print(__doc__, file=sys.stderr)
        return 3
    module = importlib.import_module(f"check_{names[0]}")
    if testing:
        return 0 if self_test(module) else 1
    findings = list(module.check(Tree(TOP)))
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings; the rule is in {module.__file__}", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
