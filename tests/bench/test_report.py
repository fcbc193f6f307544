# SPDX-License-Identifier: GPL-2.0-only
"""Unit tests of what needs no guest: figures, bars, tables, putting results together.

python3 -m unittest bench.test_report, in tests/.
"""

import unittest

from bench import names
from bench.guest import fio
from bench.report import bars, choose, collect, details, markdown, measures

ROW = bars.Row("r", "a row", 0.47, "first/w/es", "first/w/raw", others={"dm-snapshot 1": "first/w/dms"})
IOS = bars.Row("i", "I/Os", 2.2, "first/w/es", kind="ios")


def run(series=("first",), errors=None, **points):
    return {
        "about": {
            "started": "then", "command": "scripts/bench", "seed": 1, "module": "m", "accelerator": "tcg",
            "processors": 2, "host": "h", "load_before": "0", "disk": {"iops": 2000, "bps": 100 << 20},
        },
        "series": list(series),
        "results": {
            "points": {"first/w/" + name: value for name, value in points.items()},
            "errors": errors or {},
            "seconds": {},
        },
    }


def rate(*figures):
    return [{"iops": figure, "mib_s": figure / 256} for figure in figures]


class Figures(unittest.TestCase):
    def test_ratio_is_of_medians(self):
        self.assertEqual(measures.figure(run(es=rate(800, 900, 1000), raw=rate(1900, 2000)), ROW), 900 / 1950)

    def test_ratio_of_turns_is_the_median_of_each_turns(self):
        # The machine becomes faster; of medians it would be 0.5.
        points = {"es": rate(700, 1900, 1000), "raw": rate(1000, 2000, 2000)}
        self.assertEqual(measures.figure(run(**points), ROW), 0.7)

    def test_failed_repetitions_do_not_count(self):
        points = {"es": [{"error": "fio"}] + rate(1000), "raw": rate(2000)}
        self.assertEqual(measures.figure(run(**points), ROW), 0.5)

    def test_a_failed_turn_leaves_the_medians(self):
        points = {"es": [{"error": "fio"}] + rate(1000, 800), "raw": rate(2000, 2000, 1000)}
        self.assertEqual(measures.figure(run(**points), ROW), 0.45)

    def test_exactly_at_the_bar_passes(self):
        self.assertTrue(measures.outcome([run(es=rate(940), raw=rate(2000))], ROW).passed)

    def test_just_below_misses_even_if_it_prints_the_same(self):
        result = measures.outcome([run(es=rate(939.9), raw=rate(2000))], ROW)
        self.assertIs(result.passed, False)

    def test_counts_are_at_most(self):
        def ios(reads, writes):
            # 100 writes of 4 KiB, which the target under test has split into twice as many.
            user = {"writes": 200, "write_bytes": 409600}
            return [{"iops": 1, "block_bytes": 4096, "disk": {"reads": reads, "writes": writes}, "user": user}]

        self.assertTrue(measures.outcome([run(es=ios(100, 120))], IOS).passed)
        self.assertIs(measures.outcome([run(es=ios(100, 121))], IOS).passed, False)

    def test_tail_is_at_most(self):
        def waits(tail):
            return [{"iops": 1, "latency_us": {"p50": 1000, "p99.9": tail}}]

        row = bars.Row("t", "tail", 4, "first/w/es", kind="tail")
        self.assertTrue(measures.outcome([run(es=waits(4000))], row).passed)
        self.assertIs(measures.outcome([run(es=waits(4001))], row).passed, False)
        self.assertIsNone(measures.outcome([run(es=[{"iops": 1, "latency_us": {"p50": 0, "p99.9": 1}}])], row).passed)

    def test_zero_base_is_no_figure(self):
        self.assertIsNone(measures.outcome([run(es=rate(1), raw=rate(0))], ROW).passed)


class Reasons(unittest.TestCase):
    def test_not_measured_names_the_point(self):
        result = measures.outcome([run(raw=rate(2000))], ROW)
        self.assertIsNone(result.passed)
        self.assertIn("first/w/es was not measured", result.reasons[0])

    def test_error_of_the_point_is_shown(self):
        result = measures.outcome([run(es=[{"error": "fio ended with 1"}], raw=rate(2000))], ROW)
        self.assertIn("fio ended with 1", markdown.main_table([result]))

    def test_error_of_the_series_is_shown(self):
        result = measures.outcome([run(errors={"first": "no disk"})], ROW)
        self.assertEqual(result.reasons, ["no disk"])

    def test_rows_of_series_that_were_not_asked_for_are_left_out(self):
        self.assertEqual(measures.outcomes([run(series=("ram",))], [ROW]), [])

    def test_missing_incumbent_does_not_matter(self):
        result = measures.outcome([run(es=rate(1000), raw=rate(2000))], ROW)
        self.assertTrue(result.passed)
        self.assertIn("–", markdown.main_table([result]))


class Limits(unittest.TestCase):
    ROW = bars.Row("l", "against an incumbent", 1.5, "first/w/es", "first/w/dms", fastest="first/w/raw")

    def test_measured_limit_is_a_ratio_to_the_same_base(self):
        result = measures.outcome([run(es=rate(95), dms=rate(80), raw=rate(100))], self.ROW)
        self.assertIn("| ≥ 1.5 | 1.250 | 1.188 | MISS |", markdown.main_table([result]))

    def test_row_without_its_limit_is_not_measured(self):
        self.assertIsNone(measures.outcome([run(es=rate(200), dms=rate(100))], self.ROW).passed)


class Several(unittest.TestCase):
    def test_one_miss_of_three_runs_is_a_miss(self):
        runs = [run(es=rate(value), raw=rate(2000)) for value in (1000, 930, 990)]
        result = measures.outcome(runs, ROW)
        self.assertIs(result.passed, False)
        self.assertIn("0.465 – 0.500", markdown.main_table([result]))

    def test_a_run_without_the_row_is_no_pass(self):
        runs = [run(es=rate(1000), raw=rate(2000)), run(raw=rate(2000))]
        self.assertIsNone(measures.outcome(runs, ROW).passed)


class Tables(unittest.TestCase):
    def test_incumbents_are_ratios_to_the_same_base(self):
        points = {"es": rate(1000), "raw": rate(2000), "dms": rate(700)}
        self.assertIn("| 0.350 |", markdown.main_table([measures.outcome([run(**points)], ROW)]))

    def test_counting(self):
        outcomes = [measures.outcome([run(es=rate(value), raw=rate(2000))], ROW) for value in (1000, 500)]
        self.assertIn("1 of 2 rows at their bar", markdown.main_table(outcomes))

    def test_slow_raw_disk_is_doubtful(self):
        slow = run()
        slow["results"]["points"] = {"first/rand4k-d32/raw": rate(1500)}
        self.assertIn("doubtful", markdown.heading(slow))
        slow["results"]["points"] = {"first/rand4k-d32/raw": rate(1990)}
        self.assertNotIn("doubtful", markdown.heading(slow))


class Journal(unittest.TestCase):
    def journal_run(self, **rates):
        made = run(series=("journal",))
        made["results"]["points"] = {f"journal/zipf-d32/{name}": rate(value) for name, value in rates.items()}
        return made

    def test_same_disk_under_zipf_is_held_against_no_journal(self):
        made = self.journal_run(raw=1000, none=800, same=790, own=910)
        found = {row.row.name: row for row in measures.outcomes([made], bars.JOURNAL_ROWS)}
        self.assertIs(found["journal-zipf-d32-same"].passed, False)
        self.assertIs(found["journal-zipf-d32-own"].passed, True)
        self.assertIn("| 0.800 |", markdown.main_table(list(found.values()), markdown.ALONE))


class Details(unittest.TestCase):
    def tables(self, points, **more):
        made = run()
        made["results"].update(points=points, **more)
        return {title.split(" ")[0]: (head, lines) for title, head, lines in details.tables([made])}

    def test_empty_tables_are_left_out(self):
        self.assertEqual(self.tables({}), {})

    def test_share_of_the_bare_disk_by_count(self):
        head, lines = self.tables({
            "count/rand4k-d32/raw": rate(2000), "count/rand4k-d32/es.4k.s8": rate(950),
        })["First"]
        self.assertEqual(lines[0][head.index("8 snapshots")], "950 (0.475)")
        self.assertEqual(lines[0][head.index("64 snapshots")], "–")

    def test_waits_in_milliseconds(self):
        point = {"latency_us": {"p50": 500, "p99.9": 20000, "max": 30000}, "stopped_s": [0.01, 0.02], "all_s": [0.1]}
        head, lines = self.tables({"load/create/es": [point, {"error": "fio"}]})["4"]
        self.assertEqual(lines, [["snapshots are taken (load)", "esnapshot", "0.500", "20", "30", "10 – 20", "100"]])

    def test_io_per_write(self):
        done = {"reads": 100, "writes": 110, "read_bytes": 409600, "write_bytes": 819200}
        point = {"iops": 1, "block_bytes": 4096, "user": {"writes": 100, "write_bytes": 409600}, "disk": done}
        _, lines = self.tables({"first/rand4k-d32/es.4k.s1": [point]})["Device"]
        self.assertEqual(lines, [["first/rand4k-d32/es.4k.s1", "1.000", "1.100", "1.000", "2.000", "0.000"]])

    def test_facts(self):
        self.assertIn("Memory,", self.tables({}, facts={"bytes": 24}))

    def test_rows_are_judged_by_the_runs_that_measured_them(self):
        runs = [run(es=rate(1000), raw=rate(2000)), run(series=("load",))]
        self.assertTrue(measures.outcomes(runs, [ROW])[0].passed)


class Collecting(unittest.TestCase):
    FACTS = {
        "seed": "7", "iops": "2000", "bps": "1000", "processors": "2", "seconds": "5", "series": "first chain",
    }

    def test_points_of_guests_are_added_up(self):
        parts = [{"points": {"p": rate(1)}, "seconds": {"first": 1}}, {"points": {"p": rate(2), "q": rate(3)}}]
        merged = collect.merge(parts)
        self.assertEqual([result["iops"] for result in merged["points"]["p"]], [1, 2])
        self.assertIn("q", merged["points"])

    def test_series_that_never_came_to_its_end_is_an_error(self):
        made = collect.compose(self.FACTS, [{"points": {}, "seconds": {"first": 1}}])
        self.assertEqual(list(made["results"]["errors"]), ["chain"])
        self.assertEqual((made["about"]["seed"], made["about"]["disk"]), (7, {"iops": 2000, "bps": 1000}))


class Choosing(unittest.TestCase):
    def test_names(self):
        self.assertEqual(choose.choose(["quick"]), list(names.QUICK))
        self.assertEqual(choose.choose(["ram", "zero"]), ["nothing", "ram"])
        self.assertRaises(KeyError, choose.choose, ["nosuch"])

    def test_every_row_has_a_series_and_a_name_of_its_own(self):
        self.assertEqual(len({row.name for row in bars.ROWS}), len(bars.ROWS))
        for row in bars.ROWS:
            self.assertIn(row.series, names.QUICK)
        every = bars.ROWS + bars.JOURNAL_ROWS
        self.assertEqual(len({row.name for row in every}), len(every))
        self.assertEqual({row.series for row in bars.JOURNAL_ROWS}, {"journal"})


class Fio(unittest.TestCase):
    def test_result(self):
        report = {"jobs": [{"write": {
            "iops": 12.5, "bw_bytes": 1 << 20, "runtime": 2000,
            "clat_ns": {"max": 9000, "percentile": {"50.000000": 1000, "99.000000": 2000, "99.900000": 3000}},
        }}]}
        result = fio.result(fio.WORKS["rand4k-d1"], report)
        self.assertEqual((result["iops"], result["mib_s"], result["seconds"]), (12.5, 1, 2))
        self.assertEqual(result["block_bytes"], 4096)
        self.assertEqual(result["latency_us"], {"p50": 1, "p99": 2, "p99.9": 3, "max": 9})

    def test_one_pass_has_no_time_limit(self):
        words = fio.command(fio.WORKS["rand4k-d32"].over(8, 16).once(), "/dev/x", "s")
        self.assertNotIn("--time_based", words)
        self.assertIn("--offset=8m", words)
        self.assertIn("--bssplit=" + fio.FILE_SERVER, fio.command(fio.WORKS["files-d32"], "/dev/x", "s"))


if __name__ == "__main__":
    unittest.main()
