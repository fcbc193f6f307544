# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m bench.guest DISK OUTPUT SEED SERIES...: measures, and writes OUTPUT (JSON)."""

import os
import platform
import subprocess
import sys

from . import catalogue
from .bed import Bed

ORIGIN_MIB = 384


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).strip().split("\n")[0].strip()
    except OSError as error:
        return str(error)


def versions():
    return {
        "kernel": platform.release(),
        "fio": first_line("fio", "--version"),
        "lvm": first_line("lvm", "version").replace("LVM version:", "").strip(),
        "dmsetup": first_line("dmsetup", "version").replace("Library version:", "").strip(),
        "targets": {
            words[0]: words[1]
            for words in map(str.split, targets())
            if words and words[0] in ("linear", "snapshot", "thin", "esnapshot-org")
        },
    }


def targets():
    return subprocess.run(["dmsetup", "targets"], capture_output=True, text=True, check=False).stdout.splitlines()


def main(disk, output, seed, *names):
    for module in ("dm-snapshot", "dm-thin-pool"):
        subprocess.run(["modprobe", module], check=True)
    bed = Bed(os.path.realpath(disk), ORIGIN_MIB, int(seed), output)
    bed.results["versions"] = versions()
    # It would open every new device, and take processor time from what is measured.
    subprocess.run(["udevadm", "control", "--exit"], check=True)
    for name in names:
        bed.series(name, catalogue.SERIES[name])
    return 1 if bed.results["errors"] else 0


sys.exit(main(*sys.argv[1:]))
