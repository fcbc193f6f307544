# SPDX-License-Identifier: GPL-2.0-only
"""Runs inside the guest, as root, with the standard library alone."""
