"""BENCH.md says of each goal whether it is met, and where a missed one's time goes."""

import os

from absl.testing import absltest

from pgtf.config import Config, task_plans
from pgtf.experiments.speed.page import page
from pgtf.experiments.speed.plot import plot


def steps(task, chosen):
    measurement = {"benchmark": "steps", "network": "unet", "batch": 1, "precision": "float32", "task": task}
    full, composed = {"seconds": 2.5, "ratio": 1.0, "operations": 40}, {"seconds": 3, "ratio": 1.2, "operations": 80}
    sides = {"full": full, "composed": composed, "chosen": {"seconds": 1, "ratio": chosen, "operations": 39}}
    return measurement, {**sides, "spent": [["Conv2D", 0.4], ["Cast", 0.25]]}


def precisions(task, ratio):
    measurement = {"benchmark": "precisions", "network": "unet", "batch": 1, "task": task}
    sides = {"float32": {"seconds": 1.0, "ratio": 1.0}, "mixed_bfloat16": {"seconds": ratio, "ratio": ratio}}
    return measurement, {**sides, "spent": [["Conv2D", 0.4], ["Cast", 0.25]]}


PLAN = task_plans(Config())[0]


class PageTest(absltest.TestCase):
    def test_goals_met_and_missed_and_those_that_were_not_measured(self):
        found = [steps(2, 0.69), steps(4, 0.81), precisions(1, 0.59), precisions(2, 0.61)]
        lines = page(found, PLAN, 5).splitlines()
        self.assertIn("| bfloat16 ÷ float32, task 1, batch 1, U-Net | ≤ 0.6 | 0.59 | yes |", lines)
        self.assertIn("| bfloat16 ÷ float32, task 2, batch 1, U-Net | ≤ 0.6 | 0.61 | no |", lines)
        self.assertIn("- bfloat16 ÷ float32, task 2, batch 1, U-Net: Conv2D 40%, Cast 25%", lines)
        self.assertIn("| unet | 1 | float32 | 4 | all | 2.50 | 1.20 | 0.81 | 0.97 |", lines)
        self.assertFalse([line for line in lines if "CycleGAN" in line or "batch 4" in line])

    def test_more_is_better_of_a_rate(self):
        measurement = {"benchmark": "pipeline", "network": "unet"}
        self.assertIn("÷ bare steps | ≥ 0.95 | 0.97 | yes |", page([(measurement, {"throughput": 0.97})], PLAN, 5))
        self.assertIn("÷ bare steps | ≥ 0.95 | 0.90 | no |", page([(measurement, {"throughput": 0.9})], PLAN, 5))

    def test_a_choice_that_loses_little_is_as_good_as_the_cheaper(self):
        measurement = {"benchmark": "choice", "network": "unet", "precision": "float32"}
        for cheaper, loss, met in ((0.91, 0.2, "yes"), (0.5, 0.04, "yes"), (0.5, 0.06, "no")):
            text = page([(measurement, {"cheaper": cheaper, "loss": loss, "of": 54})], PLAN, 5)
            self.assertIn(f"| ≥ 0.9 | {cheaper:.2f} | {met} |", text)

    def test_what_grows_with_the_number_of_tasks_is_a_table_and_a_plot(self):
        found = [steps(2, 0.69), steps(4, 0.81)]
        path = os.path.join(self.create_tempdir().full_path, "new", "plot.svg")
        self.assertIsNone(plot(found, path))
        self.assertFalse(os.path.exists(path))
        for tasks, seconds in ((2, 0.5), (100, 0.625)):
            opened, listed = {"seconds": seconds, "ratio": 2 * seconds}, {"seconds": 0.003, "ratio": 1.0}
            figures = {"open": opened, "list": listed, "peak_gib": 0.75, "shares": {"all": tasks / 100, "first": 0.285}}
            found.append(({"benchmark": "many", "network": "unet", "tasks": tasks}, figures))
        lines = page(found, PLAN, 5).splitlines()
        self.assertIn("| 2 | 0.50 | 1.00 | 0.75 | 0.003 | 2.0% | 28.5% |", lines)
        self.assertIn("| 100 | 0.62 | 1.25 | 0.75 | 0.003 | 100.0% | 28.5% |", lines)
        self.assertEqual(plot(found, path), path)
        with open(path) as file:
            drawn = file.read()
        for title in (
            "% of a full network",
            "to open one and answer ÷ one of 2",
            "memory of that, GiB",
            "its step ÷ full",
        ):
            self.assertIn(f"<!-- {title}", drawn)


if __name__ == "__main__":
    absltest.main()
