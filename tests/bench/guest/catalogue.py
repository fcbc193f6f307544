# SPDX-License-Identifier: GPL-2.0-only
"""Every series by its name."""

from . import factors, journal, load, main_rows, memory, pictures, published, ram, scale

SERIES = {
    **main_rows.SERIES, **ram.SERIES, **factors.SERIES, **pictures.SERIES, **load.SERIES,
    **memory.SERIES, **scale.SERIES, **published.SERIES, **journal.SERIES,
}
