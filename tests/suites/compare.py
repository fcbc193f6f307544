#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""compare.py SUITE DIRECTORY BASE KIND...: how the tests went on each kind of device, beside BASE.

DIRECTORY/SUITE-KIND holds what tests/suites/guest.sh left. Exit status 1 when a test failed that
passed on BASE, or has no result though BASE's has one, or when BASE passed none at all.
"""

import pathlib
import sys
import xml.etree.ElementTree as tree

PASS, FAIL, SKIP = "passed", "failed", "not run"


def xfstests(directory):
    """{test: outcome} of the report that check -R xunit writes."""
    found = {}
    for case in tree.parse(directory / "result.xml").getroot().iter("testcase"):
        name = case.get("name")
        if case.find("failure") is not None or case.find("error") is not None:
            found[name] = FAIL
        else:
            found[name] = SKIP if case.find("skipped") is not None else PASS
    return found


def blktests(directory):
    """{test: outcome} of a folder with a file for each test, lines of KEY<tab>VALUE."""
    found = {}
    for file in sorted((directory / "details").glob("*/*/*")):
        if not file.name.isdigit():
            continue
        lines = (line.split("\t", 1) for line in file.read_text(encoding="utf-8").splitlines() if "\t" in line)
        status = dict(lines).get("status", "none")
        found[f"{file.parent.name}/{file.name}"] = {"pass": PASS, "not run": SKIP}.get(status, FAIL)
    return found


READERS = {"xfstests": xfstests, "blktests": blktests}


def differences(base, other):
    """(test, outcome on BASE, on the other) where they are not the same."""
    return [
        (name, base.get(name, "no result"), other.get(name, "no result"))
        for name in sorted(base.keys() | other.keys()) if base.get(name) != other.get(name)
    ]


def worse(base, other):
    """Whether something that counts went worse: a pass may not become anything else."""
    return any(before == PASS for _, before, _ in differences(base, other))


def line(kind, found):
    counts = ", ".join(f"{sum(value == what for value in found.values())} {what}" for what in (PASS, FAIL, SKIP))
    return f"{kind}: {counts}"


def main():
    suite, directory, base_kind, *kinds = sys.argv[1:]
    results, status = {}, 0
    for kind in dict.fromkeys([base_kind, *kinds]):
        try:
            results[kind] = READERS[suite](pathlib.Path(directory) / f"{suite}-{kind}")
        except (OSError, tree.ParseError) as error:
            print(f"{kind}: no results: {error}")
            status, results[kind] = 1, {}
    base = results[base_kind]
    for kind, found in results.items():
        print(line(kind, found))
        for name, before, after in differences(base, found):
            print(f"    {name}: {after}, on {base_kind} {before}")
        if worse(base, found):
            status = 1
    print(f"failed on {base_kind} itself:", *(name for name, how in base.items() if how == FAIL))
    return 1 if PASS not in base.values() else status


if __name__ == "__main__":
    sys.exit(main())
