# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m bench.report.collect OUTPUT NAME=VALUE... -- RESULT... : one file for a run.

Puts what the host knows about a run and what its guests measured together. A guest that
ended before its end left what it had, or nothing.
"""

import json
import os
import sys


def merge(results):
    """What several guests of one run measured; a later one adds to an earlier one's points."""
    merged = {"points": {}, "errors": {}, "seconds": {}, "facts": {}}
    for result in results:
        for name, points in result.get("points", {}).items():
            merged["points"].setdefault(name, []).extend(points)
        for part in ("errors", "seconds", "facts"):
            merged[part].update(result.get(part, {}))
        if "versions" in result:
            merged["versions"] = result["versions"]
    return merged


def compose(facts, results):
    about = dict(facts)
    about["seed"] = int(about["seed"])
    about["disk"] = {"iops": int(about.pop("iops")), "bps": int(about.pop("bps"))}
    about["processors"] = int(about["processors"])
    about["seconds"] = int(about["seconds"])
    series = about.pop("series").split()
    merged = merge(results)
    for name in series:
        if name not in merged["seconds"]:
            merged["errors"].setdefault(name, "the guest ended before it")
    return {"format": 1, "about": about, "series": series, "results": merged}


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def main(output, *words):
    cut = words.index("--")
    facts = dict(word.split("=", 1) for word in words[:cut])
    run = compose(facts, [load(path) for path in words[cut + 1:]])
    with open(output + ".new", "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1)
        file.write("\n")
    os.replace(output + ".new", output)


if __name__ == "__main__":
    main(*sys.argv[1:])
