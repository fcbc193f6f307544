# SPDX-License-Identifier: GPL-2.0-only
"""From a run's points to the figures of a row. Pure: no files, no clock."""

from dataclasses import dataclass
from operator import truediv
from statistics import median

AT_MOST = ("ios", "store", "tail")


class Missing(Exception):
    """Why there is no figure."""


def values(run, name, of):
    """All figures of a point; a point may have been measured several times."""
    results = run["results"]["points"].get(name)
    if not results:
        raise Missing(f"{name} was not measured")
    good = [of(result) for result in results if "error" not in result]
    if not good:
        raise Missing(results[-1]["error"])
    return good


def rate(run, name, unit):
    return median(values(run, name, lambda result: result[unit]))


def user_writes(result):
    """How many the user issued: the device's own counter has them as split by the target."""
    return result["user"]["write_bytes"] / result["block_bytes"]


def ios_per_write(result):
    disk = result["disk"]
    return (disk["reads"] + disk["writes"]) / user_writes(result)


def store_bytes(result):
    """Each byte written is one of old data: every chunk of 4 KiB is written whole, once."""
    if "store" not in result:
        raise Missing("the store was not watched")
    return result["store"]["write_bytes"] / result["user"]["write_bytes"]


def tail(result):
    """How much longer than the median the slowest thousandth waits."""
    latency = result["latency_us"]
    if not latency["p50"]:
        raise Missing("the median is zero")
    return latency["p99.9"] / latency["p50"]


SINGLE = {"ios": ios_per_write, "store": store_bytes, "tail": tail}


def ratio(run, point, base, unit):
    """Of medians; where two took turns, the median of each turn's ratio: the machine changes meanwhile."""
    above, below = (values(run, name, lambda result: result[unit]) for name in (point, base))
    if not all(below):
        raise Missing(f"{base} is zero")
    if len(above) == len(below):
        return median(map(truediv, above, below))
    return median(above) / median(below)


def figure(run, row, point=None, base=None):
    """What is held against the bar."""
    point = point or row.point
    if row.kind in SINGLE:
        return median(values(run, point, SINGLE[row.kind]))
    return ratio(run, point, base or row.base, row.unit)


def reached(row, value):
    return value <= row.bar if row.kind in AT_MOST else value >= row.bar


@dataclass(frozen=True)
class Outcome:
    """A row over several runs. figures, limits: one per run that has it; reasons: of those that do not."""

    row: object
    figures: list
    rates: list
    bases: list
    limits: list
    others: dict
    reasons: list

    @property
    def passed(self):
        """None: could not be measured. Every run must reach the bar."""
        if self.reasons or not self.figures:
            return None
        return all(reached(self.row, figure) for figure in self.figures)


def other_figure(run, row, point):
    """Beside the row's own figure: against the same base, or as it is."""
    if row.base and row.base.endswith("/raw"):
        return figure(run, row, point)
    if row.kind in SINGLE:
        return figure(run, row, point)
    return figure(run, row, base=point)


def outcome(runs, row):
    figures, rates, bases, limits, others, reasons = [], [], [], [], {}, []
    for run in runs:
        try:
            figures.append(figure(run, row))
            rates.append(rate(run, row.point, row.unit))
            if row.base:
                bases.append(rate(run, row.base, row.unit))
            if row.fastest:
                limits.append(figure(run, row, row.fastest))
        except Missing as missing:
            broken = run["results"]["errors"].get(row.series)
            reasons.append(f"{broken or missing}")
        for name, point in row.others.items():
            try:
                others.setdefault(name, []).append(other_figure(run, row, point))
            except Missing:
                pass
    return Outcome(row, figures, rates, bases, limits, others, reasons)


def wanted(run, row):
    """Whether a run set out to measure a row."""
    return row.series in run["series"]


def outcomes(runs, rows):
    asked = [(row, [run for run in runs if wanted(run, row)]) for row in rows]
    return [outcome(those, row) for row, those in asked if those]
