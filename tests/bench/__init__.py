# SPDX-License-Identifier: GPL-2.0-only
"""The benchmark: guest/ measures inside a guest, report/ makes tables and plots of it."""
