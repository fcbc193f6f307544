#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""compare.py left|judge SUITE DIRECTORY KIND...: how a suite's tests went on each kind of device.

DIRECTORY/SUITE-KIND.PART hold what tests/suites/guest.sh left, SUITE-linear.1 what dm-linear made of
those that `left` names: which did not pass on every KIND. `judge` prints how all went, and has exit
status 1 when one did not pass where dm-linear did, or has not been tried there, or when none passed.
"""

import pathlib
import sys
import xml.etree.ElementTree as tree

PASS, FAIL, SKIP, NONE = "passed", "failed", "not run", "no result"


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


def read(suite, directory, kind):
    """{test: outcome} of all parts of KIND; a part that cannot be read is an error."""
    found = {}
    for part in sorted(pathlib.Path(directory).glob(f"{suite}-{kind}.*")):
        found |= READERS[suite](part)
    return found


def left(kinds):
    """The tests that did not pass on each of KINDS, {kind: {test: outcome}}."""
    tests = sorted(set().union(*kinds.values()))
    return [test for test in tests if any(found.get(test) != PASS for found in kinds.values())]


def acceptable(outcome, linear):
    """Whether a test may end so where dm-linear ended so."""
    return outcome == PASS or linear == FAIL or (linear == SKIP and outcome == SKIP)


def judge(kinds, linear):
    """Prints how it went; the exit status."""
    status = 0
    for kind, found in kinds.items():
        counts = (f"{sum(value == what for value in found.values())} {what}" for what in (PASS, FAIL, SKIP))
        print(f"{kind}: {', '.join(counts)}")
        if PASS not in found.values():
            status = 1
        for test in left(kinds):
            outcome, base = found.get(test, NONE), linear.get(test, NONE)
            if not acceptable(outcome, base):
                status = 1
            if (outcome, base) not in ((PASS, base), (SKIP, SKIP)):
                print(f"    {test}: {outcome}, on dm-linear {base}")
    return status


def main():
    command, suite, directory, *names = sys.argv[1:]
    try:
        kinds = {kind: read(suite, directory, kind) for kind in names}
        if command == "left":
            print(*left(kinds))
            return 0
        return judge(kinds, read(suite, directory, "linear"))
    except (OSError, tree.ParseError) as error:
        print(f"{suite}: no results: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
