# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m bench.report [--check] [--plots DIRECTORY] FILE...: tables and plots of runs."""

import argparse
import json
import sys

from . import bars, details, markdown, measures


def load(path):
    with open(path, encoding="utf-8") as file:
        run = json.load(file)
    for name in ("about", "series", "results"):
        if name not in run:
            raise ValueError(f"{path}: no '{name}', so not a result of scripts/bench")
    return run


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench report")
    parser.add_argument("--check", action="store_true", help="status 1 when a row of the main table misses its bar")
    parser.add_argument("--plots", help="draw plots into this directory")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    try:
        runs = [load(path) for path in options.files]
    except (OSError, ValueError) as error:
        sys.exit(f"scripts/bench: {error}")
    for run in runs:
        print(markdown.heading(run))
    outcomes = measures.outcomes(runs, bars.ROWS)
    if outcomes:
        print(markdown.main_table(outcomes))
    journal = measures.outcomes(runs, bars.JOURNAL_ROWS)
    if journal:
        print(f"With a write journal, disks with half of the I/Os per second\n\n{markdown.main_table(journal, markdown.ALONE)}")
    for title, head, lines in details.tables(runs):
        print(f"{title}\n\n{markdown.table(head, lines)}")
    if options.plots:
        from . import plots
        print("\n".join(plots.draw(runs, options.plots)))
    return 1 if options.check and any(not outcome.passed for outcome in outcomes + journal) else 0


if __name__ == "__main__":
    sys.exit(main())
