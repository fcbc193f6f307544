# SPDX-License-Identifier: GPL-2.0-only
"""The tables of the full suite, one function each: run(s) to (title, head, lines). Pure."""

from . import measures
from .markdown import spread

COUNTS = (0, 1, 2, 4, 8, 64, 256)
CHUNKS = (4, 16, 64, 256)
TITLES = {
    "rand4k-d1": "random 4 KiB, depth 1",
    "rand4k-d32": "random 4 KiB, depth 32",
    "rand4k-d64": "random 4 KiB, depth 64",
    "rand64k-d32": "random 64 KiB, depth 32",
    "seq1m-d4": "sequential 1 MiB, depth 4",
    "files-d32": "file-server mix, depth 32",
    "bonnie": "a file on ext4, rewritten in order",
    "dd": "dd, 96 MiB in order",
    "burst-d32": "fio, 32 MiB of random 4 KiB",
    "full-d32": "fio, random 4 KiB, ring long full",
    "read4k-d32": "random 4 KiB, depth 32",
    "read1m-d4": "sequential 1 MiB, depth 4",
}


def rates(runs, name, unit="mib_s"):
    """One figure per run that has the point."""
    out = []
    for run in runs:
        try:
            out.append(measures.rate(run, name, unit))
        except measures.Missing:
            pass
    return out


def unit_of(work):
    return "mib_s" if work.startswith(("seq", "read1m", "bonnie", "files", "rand64k", "dd", "burst", "full")) else "iops"


def cell(runs, name, base, unit):
    """Rate and share of the base."""
    own = rates(runs, name, unit)
    if not own:
        return "–"
    shares = []
    for run in runs:
        try:
            shares.append(measures.rate(run, name, unit) / measures.rate(run, base, unit))
        except (measures.Missing, ZeroDivisionError):
            pass
    return f"{spread(own)} ({spread(shares)})" if shares else spread(own)


def title_of(work):
    return f"{TITLES[work]}, {'MiB/s' if unit_of(work) == 'mib_s' else 'IOPS'}"


def by_count(runs, kind, works, title):
    head = ["", "bare disk"] + ["1 snapshot" if count == 1 else f"{count} snapshots" for count in COUNTS]
    lines = []
    for work in works:
        unit, base = unit_of(work), f"{kind}/{work}/raw"
        for driver, name in (("es", "esnapshot"), ("dms", "dm-snapshot")):
            cells = [cell(runs, f"{kind}/{work}/{driver}.4k.s{count}", base, unit) for count in COUNTS]
            lines.append([f"{title_of(work)}, {name}", spread(rates(runs, base, unit)), *cells])
    return title, head, lines


def counts(runs):
    return by_count(runs, "count", ("rand4k-d32", "seq1m-d4"),
                    "First writes against the number of snapshots (share of the bare disk)")


def published(runs):
    return by_count(runs, "published", ("bonnie",),
                    "Bonnie-like sequential rewriting (share of the bare disk)")


def chunks(runs):
    head = ["", "bare disk"] + [f"chunk {kib} KiB" for kib in CHUNKS]
    lines = []
    for work in ("rand4k-d32", "rand64k-d32", "seq1m-d4", "files-d32"):
        unit, base = unit_of(work), f"chunk/{work}/raw"
        for driver, name in (("es", "esnapshot"), ("dms", "dm-snapshot")):
            cells = [cell(runs, f"chunk/{work}/{driver}.{kib}k.s1", base, unit) for kib in CHUNKS]
            lines.append([f"{title_of(work)}, {name}", spread(rates(runs, base, unit)), *cells])
    return "One snapshot: chunk and block size (share of the bare disk)", head, lines


def depths(runs):
    targets = {
        "esnapshot, 4 KiB": "es.4k.s1", "dm-snapshot, 4 KiB": "dms.4k.s1",
        "dm-thin, no snapshot": "thin.64k.s0", "dm-thin, 64 KiB": "thin.64k.s1",
    }
    lines = []
    for work in ("rand4k-d1", "rand4k-d32", "rand4k-d64"):
        base = f"depth/{work}/raw"
        cells = [cell(runs, f"depth/{work}/{target}", base, "iops") for target in targets.values()]
        lines.append([title_of(work), spread(rates(runs, base, "iops")), *cells])
    return "First writes against queue depth, one snapshot (share of the bare disk)", ["", "bare disk", *targets], lines


def images(runs):
    targets = {
        "esnapshot newest": "es-newest", "esnapshot oldest": "es-oldest",
        "dm-snapshot newest": "dms-newest", "dm-snapshot oldest": "dms-oldest",
    }
    lines = []
    for work in ("read4k-d32", "read1m-d4"):
        base, unit = f"images/{work}/raw", unit_of(work)
        cells = [cell(runs, f"images/{work}/{target}.4k.s8", base, unit) for target in targets.values()]
        lines.append([title_of(work), spread(rates(runs, base, unit)), *cells])
    return "Reading snapshots, eight of them (share of the bare disk)", ["", "bare disk", *targets], lines


JOURNAL_WORKS = ("dd", "burst-d32", "full-d32")
JOURNAL_TARGETS = {
    "bare disk": "raw", "snapshot, no journal": "none", "journal, same disk": "same", "journal, its own disk": "own",
}


def journal(runs):
    lines = []
    for work in JOURNAL_WORKS:
        base, unit = f"journal/{work}/raw", unit_of(work)
        cells = [cell(runs, f"journal/{work}/{target}", base, unit) for target in JOURNAL_TARGETS.values()]
        lines.append([title_of(work), *cells])
    return "With and without a write journal, one snapshot (share of the bare disk)", ["", *JOURNAL_TARGETS], lines


def per_write(runs):
    """Device I/Os and bytes per user write; bytes as a multiple of what the user wrote."""
    lines = []
    names = sorted({name for run in runs for name in run["results"]["points"]})
    for name in names:
        kind, work, target = (name.split("/") + ["", ""])[:3]
        if kind not in ("first", "count", "chunk", "depth", "zero", "trimmed", "whole") or target == "raw":
            continue
        found = [
            result for run in runs for result in run["results"]["points"].get(name, [])
            if "error" not in result and result.get("user", {}).get("writes")
        ]
        if found:
            lines.append([name, *(spread(values) for values in zip(*map(per_write_figures, found)))])
    return "Device I/Os and bytes for each of the user's writes", \
        ["point", "reads", "writes", "bytes read", "bytes written", "to the store"], lines


def per_write_figures(result):
    user, disk = result["user"], result["disk"]
    store = result.get("store", {}).get("write_bytes", 0)
    writes = measures.user_writes(result)
    return (
        disk["reads"] / writes, disk["writes"] / writes,
        disk["read_bytes"] / user["write_bytes"], disk["write_bytes"] / user["write_bytes"],
        store / user["write_bytes"],
    )


ACTIONS = {
    "load/quiet": "nothing else", "load/create": "snapshots are taken", "load/remove": "snapshots are dropped",
    "latency/quiet": "nothing else", "latency/big": "beside sequential 1 MiB first writes",
    "latency/read": "beside random reads", "latency/attach": "while the oldest of many is attached and read",
    "latency/small": "beside random writes", "latency/view": "while a view of the oldest is written",
}
NAMES = {"raw": "bare disk", "es": "esnapshot", "dms": "dm-snapshot", "thin": "dm-thin"}


def waits(runs):
    lines = []
    for action, title in ACTIONS.items():
        for target, name in NAMES.items():
            found = [
                result for run in runs for result in run["results"]["points"].get(f"{action}/{target}", [])
                if "error" not in result
            ]
            if not found:
                continue
            times = [time * 1000 for result in found for time in result.get("stopped_s", [])]
            every = [time * 1000 for result in found for time in result.get("all_s", [])]
            lines.append([
                f"{title} ({action.split('/')[0]})", name,
                *(spread([result["latency_us"][part] / 1000 for result in found]) for part in ("p50", "p99.9", "max")),
                spread(times), spread(every),
            ])
    return "4 KiB writes at a pace of 200 per second, what they wait (ms)", \
        ["", "", "median", "p99.9", "max", "writes stood still", "taking or dropping"], lines


def facts(runs):
    """Series that end in a few numbers of their own say them in words."""
    lines = []
    for name in sorted({name for run in runs for name in run["results"].get("facts", {})}):
        values = [run["results"]["facts"][name] for run in runs if name in run["results"].get("facts", {})]
        numbers = [value for value in values if isinstance(value, (int, float))]
        lines.append([name, spread(numbers) if numbers else "; ".join(map(str, values))])
    return "Memory, attaching, size", ["", ""], lines


TABLES = (counts, chunks, depths, published, journal, images, waits, facts, per_write)


def tables(runs):
    """Those that have anything in them."""
    for make in TABLES:
        title, head, lines = make(runs)
        lines = [line for line in lines if any(text not in ("–", "") for text in line[1:])]
        if lines:
            yield title, head, lines
