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
    def run_main(self, command, linear, *parts):
        """(exit status, what was printed); PARTS are the reports of origin, linear may be None."""
        with tempfile.TemporaryDirectory() as name:
            top = pathlib.Path(name)
            reports = {f"origin.{number}": text for number, text in enumerate(parts, 1)} | {"linear.1": linear}
            for kind, text in reports.items():
                if text is not None:
                    (top / f"xfstests-{kind}").mkdir()
                    (top / f"xfstests-{kind}" / "result.xml").write_text(text, encoding="utf-8")
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), \
                    mock.patch.object(sys, "argv", ["", command, "xfstests", name, "origin"]):
                return compare.main(), out.getvalue()

    def judge(self, linear, *parts):
        return self.run_main("judge", linear, *parts)

    def test_all_passed_needs_no_linear(self):
        status, text = self.judge(None, report(t001="passed"), report(t002="passed"))
        self.assertEqual((status, text), (0, "origin: 2 passed, 0 failed, 0 not run\n"))

    def test_left_are_those_that_did_not_pass(self):
        parts = report(t001="passed", t003="run"), report(t002="failed", t004="passed")
        self.assertEqual(self.run_main("left", None, *parts), (0, "generic/002 generic/003\n"))

    def test_left_has_what_one_kind_has_no_result_of(self):
        kinds = {"origin": {"a": compare.PASS, "b": compare.PASS}, "view": {"a": compare.PASS}}
        self.assertEqual(compare.left(kinds), ["b"])

    def test_as_on_linear_is_good(self):
        same = report(t002="failed", t003="run")
        status, text = self.judge(same, report(t001="passed"), same)
        self.assertEqual(status, 0)
        self.assertIn("origin: 1 passed, 1 failed, 1 not run", text)
        self.assertIn("generic/002: failed, on dm-linear failed", text)

    def test_what_linear_passes_must_pass(self):
        for how in ("failed", "run"):
            status, text = self.judge(report(t002="passed"), report(t001="passed", t002=how))
            self.assertEqual(status, 1)
            self.assertIn("on dm-linear passed", text)

    def test_failure_where_linear_has_not_run_it(self):
        self.assertEqual(self.judge(report(t002="run"), report(t001="passed", t002="failed"))[0], 1)

    def test_failure_that_was_not_tried_on_linear(self):
        for how in ("failed", "run"):
            self.assertEqual(self.judge(None, report(t001="passed", t002=how))[0], 1)

    def test_missing_or_broken_reports(self):
        good = report(t001="passed")
        for linear, *parts in ((None,), (good, "<testsuite>"), (good, good, "<testsuite>"), ("<testsuite>", good)):
            self.assertEqual(self.judge(linear, *parts)[0], 1)

    def test_nothing_passed(self):
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
