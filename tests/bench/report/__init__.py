# SPDX-License-Identifier: GPL-2.0-only
"""Runs on the host; everything but plots.py stands on the standard library alone."""
