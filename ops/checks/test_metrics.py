"""What the check of expressions finds, and what it lets pass."""
import unittest

import metrics
import promql

KNOWN = {
    "frames_total": ("counter", {"reason"}),
    "lag": ("gauge", set()),
    "seconds_bucket": ("counter", {"le", "since"}),
    "a:b:rate5m": ("gauge", set()),
}


def problems(text):
    return list(metrics.problems_of(text, KNOWN))


class Expressions(unittest.TestCase):
    def test_selectors_functions_and_groups_are_read(self):
        read = promql.read('histogram_quantile(0.95, sum by (le) (rate(seconds_bucket{since="x",le!~"a|b"}[5m]))) > 1 and on (job) up offset 1d')
        self.assertEqual([(one.name, one.function, one.labels) for one in read.series], [("seconds_bucket", "rate", {"since", "le"}), ("up", "", set())])
        self.assertEqual(read.grouped_by, {"le", "job"})

    def test_sound_expressions_pass(self):
        for text in ('sum by (reason) (rate(frames_total{reason="x"}[5m])) / clamp_min(sum(lag), 1)', "a:b:rate5m > 0.1", "max(present_over_time(frames_total[10m] offset 26h))", "max by (job) (lag)"):
            self.assertEqual(problems(text), [], text)

    def test_unknown_metrics_are_found(self):
        self.assertEqual(problems("rate(frame_total[5m])"), ["no program exports frame_total"])

    def test_unknown_labels_are_found(self):
        self.assertEqual(problems('rate(frames_total{kind="x"}[5m])'), ["frames_total has no label kind"])
        self.assertEqual(problems("sum by (kind) (lag)"), ["nothing has a label kind to group by"])

    def test_rates_of_gauges_are_found(self):
        self.assertEqual(problems("rate(lag[5m])"), ["rate(lag): it is a gauge"])

    def test_bare_counters_are_found(self):
        self.assertTrue(problems("sum(frames_total) > 5")[0].startswith("frames_total is a counter"))

    def test_the_files_have_no_problem(self):
        found, read = metrics.check()
        self.assertEqual(found, [])
        self.assertGreater(read, 100)


if __name__ == "__main__":
    unittest.main()
