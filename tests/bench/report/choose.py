# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m bench.report.choose [--list] quick|full|NAME...: the series to run, one a line."""

import sys

from .. import names
from .bars import JOURNAL_ROWS, ROWS


def choose(wanted):
    """Series in running order for names of series or of rows; raises KeyError with a wrong one."""
    if wanted == ["full"]:
        return list(names.ALL)
    if wanted == ["quick"]:
        return list(names.QUICK)
    rows = {row.name: row.series for row in ROWS + JOURNAL_ROWS}
    chosen = set()
    for name in wanted:
        chosen.add(name if name in names.ALL else rows[name])
    return [name for name in names.ALL if name in chosen]


def listing():
    yield "Series:"
    for name, about in names.ALL.items():
        yield f"  {name:10} {about}{'' if name in names.QUICK else ' (not in quick)'}"
    yield "Rows of the tables with bars, and the series they come with:"
    for row in ROWS + JOURNAL_ROWS:
        yield f"  {row.name:28} {row.series:10} {row.title}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(listing()))
        sys.exit(0)
    try:
        print("\n".join(choose(sys.argv[1:])))
    except KeyError as unknown:
        sys.exit(f"bench: no series or row named {unknown} (see --list)")
