# SPDX-License-Identifier: GPL-2.0-only
"""The plots (PNG). Needs matplotlib; nothing else here does."""

import os

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

from .details import CHUNKS, COUNTS, JOURNAL_TARGETS, JOURNAL_WORKS, TITLES, rates, title_of, unit_of  # noqa: E402

STYLE = {"es": ("esnapshot", "tab:blue", "o-"), "dms": ("dm-snapshot", "tab:red", "s--")}


def middle(figures):
    return sorted(figures)[len(figures) // 2]


def series(runs, name, steps, unit):
    """(place, figure) for the steps that were measured."""
    found = [(place, rates(runs, name.format(step), unit)) for place, step in enumerate(steps)]
    return [(place, middle(figures)) for place, figures in found if figures]


def axes_of(axes, runs, kind, work, template, steps, label):
    unit = unit_of(work)
    drawn = False
    for driver, (title, colour, style) in STYLE.items():
        points = series(runs, f"{kind}/{work}/" + template.format(driver=driver), steps, unit)
        if points:
            axes.plot(*zip(*points), style, color=colour, label=title)
            drawn = True
    bare = rates(runs, f"{kind}/{work}/raw", unit)
    if bare:
        axes.axhline(middle(bare), color="grey", linewidth=1, label="bare disk")
    axes.set_title(title_of(work), fontsize=10)
    axes.set_xticks(range(len(steps)), [str(step) for step in steps])
    axes.set_xlabel(label)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    return drawn


def figure(path, runs, kind, works, template, steps, label, columns):
    rows = (len(works) + columns - 1) // columns
    canvas, grid = pyplot.subplots(rows, columns, figsize=(5 * columns, 3.6 * rows), squeeze=False)
    drawn = [
        axes_of(axes, runs, kind, work, template, steps, label) for axes, work in zip(grid.flat, works)
    ]
    if any(drawn):
        grid.flat[0].legend(fontsize=8)
        save(canvas, path)
    pyplot.close(canvas)
    return any(drawn)


def save(canvas, path):
    canvas.tight_layout()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    canvas.savefig(path, dpi=90)


def journal(path, runs):
    """dd and fio side by side, as the thesis drew them; the scale is logarithmic."""
    canvas, axes = pyplot.subplots(figsize=(8, 4))
    width, drawn = 0.2, False
    for place, (title, target) in enumerate(JOURNAL_TARGETS.items()):
        found = series(runs, f"journal/{{}}/{target}", JOURNAL_WORKS, "mib_s")
        if found:
            drawn = True
            bars = axes.bar([at + (place - 1.5) * width for at, _ in found], [value for _, value in found], width, label=title)
            axes.bar_label(bars, fmt="%.3g", fontsize=7)
    if drawn:
        axes.set_xticks(range(len(JOURNAL_WORKS)), [TITLES[work] for work in JOURNAL_WORKS], fontsize=9)
        axes.set_yscale("log")
        axes.set_ylabel("MiB/s")
        axes.legend(fontsize=8)
        save(canvas, path)
    pyplot.close(canvas)
    return drawn


def draw(runs, directory):
    """Returns the files made; a plot whose series was not run is left out."""
    wanted = (
        ("snapshots.png", "count", ("rand4k-d32", "seq1m-d4"), "{driver}.4k.s{{}}", COUNTS, "snapshots", 2),
        ("chunks.png", "chunk", ("rand4k-d32", "rand64k-d32", "seq1m-d4", "files-d32"), "{driver}.{{}}k.s1",
         CHUNKS, "chunk, KiB", 2),
        ("published.png", "published", ("bonnie",), "{driver}.4k.s{{}}", (0, 1, 2, 4, 8), "snapshots", 1),
    )
    paths = []
    for name, *rest in wanted:
        path = os.path.join(directory, name)
        if figure(path, runs, *rest):
            paths.append(path)
    path = os.path.join(directory, "journal.png")
    return paths + ([path] if journal(path, runs) else [])
