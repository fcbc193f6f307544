# SPDX-License-Identifier: GPL-2.0-only
"""Unit tests of compare.py: what counts as worse, and that no results are no success."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import compare  # noqa: E402


def report(**tests):
    """What check -R xunit-quiet writes."""
    inner = {"passed": "", "failed": '<failure message="x" type="TestFail"/>', "run": '<skipped message="y"/>'}
    cases = "".join(
        f'<testcase classname="xfstests.global" name="generic/{name[1:]}" time="1">{inner[how]}</testcase>'
        for name, how in tests.items()
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><testsuite name="xfstests">{cases}</testsuite>'


class Xfstests(unittest.TestCase):
    def judge(self, linear, origin):
        """(exit status, what was printed); a report that is None is missing."""
        with tempfile.TemporaryDirectory() as name:
            top = pathlib.Path(name)
            for kind, text in (("linear", linear), ("origin", origin)):
                (top / f"xfstests-{kind}").mkdir()
                if text is not None:
                    (top / f"xfstests-{kind}" / "result.xml").write_text(text, encoding="utf-8")
            out = io.StringIO()
            with contextlib.redirect_stdout(out), mock.patch.object(sys, "argv", ["", "xfstests", name, "linear", "origin"]):
                return compare.main(), out.getvalue()

    def test_equal_is_good_even_if_both_fail_one(self):
        both = report(t001="passed", t002="failed", t003="run")
        status, text = self.judge(both, both)
        self.assertEqual(status, 0)
        self.assertIn("origin: 1 passed, 1 failed, 1 not run", text)
        self.assertIn("failed on linear itself: generic/002", text)

    def test_failure_that_linear_has_not(self):
        status, text = self.judge(report(t001="passed", t002="passed"), report(t001="passed", t002="failed"))
        self.assertEqual(status, 1)
        self.assertIn("generic/002: failed, on linear passed", text)

    def test_skipped_where_linear_passes_is_worse(self):
        self.assertEqual(self.judge(report(t001="passed", t002="passed"), report(t001="passed", t002="run"))[0], 1)

    def test_lost_where_linear_passes_is_worse(self):
        self.assertEqual(self.judge(report(t001="passed", t002="passed"), report(t001="passed"))[0], 1)

    def test_better_is_good_and_shown(self):
        status, text = self.judge(report(t001="passed", t002="failed"), report(t001="passed", t002="passed"))
        self.assertEqual(status, 0)
        self.assertIn("generic/002: passed, on linear failed", text)

    def test_missing_or_broken_reports(self):
        good = report(t001="passed")
        for linear, origin in ((good, None), (None, good), (good, "<testsuite>"), (None, None)):
            self.assertEqual(self.judge(linear, origin)[0], 1)

    def test_nothing_passed_anywhere(self):
        nothing = report(t001="run")
        self.assertEqual(self.judge(nothing, nothing)[0], 1)


class Blktests(unittest.TestCase):
    def test_reads_status_files_only(self):
        with tempfile.TemporaryDirectory() as name:
            top = pathlib.Path(name)
            folder = top / "details" / "test" / "block"
            folder.mkdir(parents=True)
            for number, how in (("003", "pass"), ("004", "fail"), ("005", "not run")):
                (folder / number).write_text(f"date\tnow\nstatus\t{how}\n", encoding="utf-8")
            (folder / "004.out.bad").write_text("status\tpass\n", encoding="utf-8")
            (folder / "006").write_text("", encoding="utf-8")
            self.assertEqual(compare.blktests(top), {
                "block/003": compare.PASS, "block/004": compare.FAIL, "block/005": compare.SKIP,
                "block/006": compare.FAIL,
            })


if __name__ == "__main__":
    unittest.main()
