# SPDX-License-Identifier: GPL-2.0-only
"""Tables as markdown. Pure."""

from statistics import median

from .measures import AT_MOST

MARK = {True: "pass", False: "MISS", None: "?"}
INCUMBENTS = ("dm-snapshot 1", "dm-snapshot 8", "dm-thin")
ALONE = ("no journal",)


def number(value):
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 10 else f"{value:.3f}"


def spread(figures):
    """One figure, or the smallest and the largest of several runs."""
    if not figures:
        return "–"
    low, high = min(figures), max(figures)
    return number(low) if len(figures) == 1 else f"{number(low)} – {number(high)}"


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    out += ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(out) + "\n"


def bar(row):
    return ("≤ " if row.kind in AT_MOST else "≥ ") + f"{row.bar:g}"


def rate(figures, unit):
    if not figures:
        return "–"
    return f"{median(figures):.0f} {'MiB/s' if unit == 'mib_s' else 'IOPS'}"


def main_line(outcome, beside):
    row = outcome.row
    raw = outcome.bases
    others = dict(outcome.others)
    if "raw" in others:
        raw, unit_note = [], f"{spread(others.pop('raw'))} of raw"
    else:
        unit_note = rate(raw, row.unit)
    own = rate(outcome.rates, row.unit) if row.base else "–"
    if outcome.reasons:
        own = "not measured: " + outcome.reasons[0].replace("|", "/").replace("\n", " ")[:160]
    return [
        row.title, bar(row), row.limit or spread(outcome.limits), spread(outcome.figures), MARK[outcome.passed], own, unit_note,
        *(spread(others.get(name, [])) for name in beside),
    ]


HEAD = ("measure", "bar", "limit", "ratio", "", "esnapshot", "compared with")


def main_table(outcomes, beside=INCUMBENTS):
    """BESIDE: the others whose figures stand beside a row's own."""
    passed = sum(outcome.passed is True for outcome in outcomes)
    lines = [main_line(outcome, beside) for outcome in outcomes]
    return table((*HEAD, *beside), lines) + f"\n{passed} of {len(outcomes)} rows at their bar.\n"


def heading(run):
    """What a run was made on, so that its figures can be judged."""
    about, versions = run["about"], run["results"].get("versions", {})
    disk = about["disk"]
    lines = [
        f"{about['started']}: `{about['command']}`, seed {about['seed']}, {about.get('seconds', '?')} s",
        f"module {about['module']}, kernel {versions.get('kernel', '?')}, {versions.get('fio', '?')}, "
        f"LVM {versions.get('lvm', '?')}",
        f"accelerator {about['accelerator']}, {about['processors']} processors ({about['host']}), load of the host "
        f"{about['load_before']} before and {about.get('load_after', '?')} after (the guest itself is up to 2)",
        f"disk {disk['iops']} IOPS, {disk['bps'] / 2**20:g} MiB/s",
    ]
    return "".join(f"- {line}\n" for line in lines + warnings(run))


def warnings(run):
    """A raw disk below its budget says that the processor was the limit."""
    out = []
    budget = run["about"]["disk"]["iops"]
    for name, results in sorted(run["results"]["points"].items()):
        kind, work, target = name.split("/", 2) if name.count("/") == 2 else ("", "", "")
        if target != "raw" or kind == "ram" or work not in ("rand4k-d32", "read4k-d32"):
            continue
        slow = [result["iops"] for result in results if result.get("iops", budget) < 0.95 * budget]
        if slow:
            out.append(f"**doubtful**: {name} reached {min(slow):.0f} of {budget} IOPS: the machine was busy")
    return out
