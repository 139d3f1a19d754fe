"""The fair comparison: its tables, the samples of single images, and intervals of rows and of their differences."""

import dataclasses
import os

import numpy as np
import tensorflow as tf
from absl.testing import absltest

from pgtf.assembly.recorded_data import recorded_data
from pgtf.evaluation.collection import sides
from pgtf.evaluation.label_recovery import LabelNetwork
from pgtf.experiments.paper import comparison, fair
from pgtf.experiments.paper.experiment import Experiment, with_bases
from pgtf.experiments.paper.presets import PRESETS
from pgtf.experiments.paper.results import Result
from pgtf.experiments.paper.samples import KID, LABELS, SampleReader
from pgtf.experiments.paper.tables import Row, Table
from pgtf.metrics import pairs
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.intervals import Values
from pgtf.metrics.matrix import Matrix
from pgtf.runs.run import Run
from tests.tiny import tiny_run

TABLES = fair.tables(PRESETS["fair"], (0, 1, 2))
TASKS = ("facades", "maps")


def experiments(name):
    return [experiment for row in TABLES[name].rows for experiment in row.experiments]


class TablesTest(absltest.TestCase):
    def test_choices_are_made_on_validation_images_alone(self):
        for name in ("rates", "budgets", "choice"):
            self.assertEqual({experiment.split for experiment in with_bases(experiments(name))}, {"validation"})
        for name in ("quality", "finished"):
            self.assertEqual({experiment.split for experiment in with_bases(experiments(name))}, {"test"})

    def test_all_rows_hold_out_and_average_alike(self):
        for name in TABLES:
            for experiment in experiments(name):
                self.assertEqual(
                    (dict(experiment.flags)["validation"], dict(experiment.flags)["ema"]), ("0.1", "0.999")
                )

    def test_all_rows_have_as_many_tries(self):
        titles = [row.title.rsplit(",", 1)[0] for row in TABLES["rates"].rows]
        self.assertEqual({title: titles.count(title) for title in fair.ROWS}, dict.fromkeys(fair.ROWS, 3))

    def test_one_first_task_for_all_that_can_start_from_it(self):
        for name in TABLES:
            self.assertLen({experiment.base.run_name for experiment in experiments(name) if experiment.base}, 1)

    def test_the_choice_is_among_the_runs_that_are_tested(self):
        chosen = {experiment.run_name for experiment in experiments("choice")}
        self.assertEqual(chosen, {experiment.run_name for experiment in experiments("quality") if experiment.seed == 0})

    def test_measuring_on_another_split_learns_nothing_anew(self):
        experiment = experiments("quality")[0]
        other = experiment.on("validation")
        self.assertNotEqual(experiment.name, other.name)
        self.assertEqual(experiment.run_name, other.run_name)
        self.assertEqual(experiment.base.run_name, other.base.run_name)
        self.assertEqual(other.base.split, "validation")


class StepsTest(absltest.TestCase):
    def test_the_fewest_steps_to_the_last_of_cold(self):
        kids = {
            fair.COLD: {500: 5, 1000: 4, 2000: 3},
            fair.WARM: {500: 3.5, 1000: 3, 2000: 2},
            fair.OURS: {500: 9, 1000: 8},
        }
        known, budgets = {}, {}
        for title, values in kids.items():
            budgets[title] = {}
            for steps, kid in values.items():
                one = Experiment(fair.CHOSEN_ON, (("method", title), ("steps", str(steps))))
                budgets[title][steps] = Row(title, (one,))
                matrix = Matrix(fair.CHOSEN_ON, ("a", "b"), {"KID-768": [[None, 0.1], [None, kid / 1000]]})
                known[one.name] = Result(matrix, {}, 1, 0, {}, {})
        text = fair.steps_to_cold(budgets, known)
        self.assertIn("after 2000 steps, 3:", text)
        self.assertIn(f"- {fair.WARM}: 1000.", text)
        self.assertIn(f"- {fair.OURS}: more than 1000.", text)

    def test_nothing_is_said_of_what_is_missing(self):
        self.assertEqual(TABLES["budgets"].remark({}), "")


def _rows(gain, seeds=(0, 1)):
    """A reference and a row that is better by `gain` for each image of each seed."""
    rng = np.random.default_rng(0)
    reference = {(seed, task): rng.normal(size=9) for seed in seeds for task in TASKS}
    return {"reference": reference, "ours": {key: values - gain for key, values in reference.items()}}


class ComparisonTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        rows = TABLES["quality"].rows[:2]
        self.titles = {rows[0].title: "ours", rows[1].title: "reference"}
        cut = [
            dataclasses.replace(
                row,
                experiments=tuple(
                    dataclasses.replace(experiment, tasks=("first", *TASKS)) for experiment in row.experiments[:2]
                ),
            )
            for row in rows
        ]
        self.table = Table("", (), tuple(cut), reference=rows[1].title)
        self.title_of = {experiment.name: row.title for row in cut for experiment in row.experiments}
        self.path = os.path.join(self.create_tempdir().full_path, "intervals.json")
        self.known = {name: _Result([f"slice of {name}"]) for name in self.title_of}

    def written(self, rows, known=None, readable=None):
        def read(experiment, task):
            return {"L1": Values(rows[self.titles[self.title_of[experiment.name]]][experiment.seed, task])}

        comparison.write_intervals(self.path, self.table, known or self.known, read, readable)
        return comparison.read_intervals(self.path, self.table, known or self.known)

    def test_a_constant_gain_is_certain(self):
        entries = self.written(_rows(0.25))
        ours = {each["task"]: each for each in entries if each["row"] == self.table.rows[0].title}
        self.assertEqual(list(ours), ["mean", *TASKS])
        for each in ours.values():
            for name in ("value", "low", "high"):
                self.assertAlmostEqual(each["difference"][name], -0.25)
        self.assertIsNone(next(each for each in entries if each["row"] == self.table.reference)["difference"])

    def test_values_are_means_over_images_tasks_and_seeds(self):
        rows = _rows(0.25)
        by_hand = np.mean([values.mean() for values in rows["ours"].values()])
        self.assertAlmostEqual(self.written(rows)[0]["interval"]["value"], by_hand)

    def test_a_row_is_compared_over_the_seeds_of_both(self):
        experiment = self.table.rows[1].experiments[1]
        known = {name: result for name, result in self.known.items() if name != experiment.name}
        ours = self.written(_rows(0.25), known)[0]
        self.assertEqual((ours["seeds"], ours["compared"]), ([0, 1], [0]))
        self.assertAlmostEqual(ours["difference"]["value"], -0.25)

    def test_intervals_of_other_slices_are_left_out(self):
        self.assertLen(self.written(_rows(0.25)), 6)
        experiment = self.table.rows[0].experiments[0]
        known = {**self.known, experiment.name: _Result(["another"])}
        left = comparison.read_intervals(self.path, self.table, known)
        self.assertEqual({each["row"] for each in left}, {self.table.reference})

    def test_intervals_of_runs_that_are_gone_remain(self):
        before = self.written(_rows(0.25))
        ours = [one.name for one in self.table.rows[0].experiments]
        after = self.written(_rows(0.5), readable=[name for name in self.known if name not in ours[:1]])
        self.assertEqual([each["row"] for each in after], [each["row"] for each in before])
        self.assertEqual(after[:3], before[:3])  # Of the row whose first seed can't be read.
        self.assertEqual(self.written(_rows(0.5))[0]["difference"]["value"], -0.5)

    def test_text(self):
        text = comparison.markdown(self.table, self.written(_rows(0.25)))
        self.assertIn("-0.25 [-0.25, -0.25]", text)
        self.assertIn("2 seeds: too narrow", text)
        self.assertEqual(comparison.markdown(self.table, []), "")

    def test_no_file_no_intervals(self):
        self.assertEqual(comparison.read_intervals(self.path, self.table, self.known), [])


class _Result:
    """The part of a Result that intervals are checked with."""

    def __init__(self, slices):
        self.matrix = type("Slices", (), {"slices": slices})


class SamplesTest(tf.test.TestCase):
    def test_measures_are_those_of_the_images_that_the_task_makes(self):
        folder = tiny_run(os.path.join(self.get_temp_dir(), "run"), size=(16, 16), method="full")
        reader = SampleReader(_corners(), "test", os.path.join(self.get_temp_dir(), "kept"), learn_labels=_brightness)
        run = Run(folder)
        found = reader(run, "facades")
        inputs, targets = _images(run, "facades")
        made = np.stack([run["facades"](image) for image in inputs])
        self.assertCountEqual(found, (KID, "L1", "SSIM", LABELS))
        bright = (made.mean(axis=3) > 127.5) == (inputs[:, :, :, 0] > 127)
        self.assertAllClose(found[LABELS].values, bright.mean(axis=(1, 2)), atol=0.02)
        # Batches and single images may round to another of 256 values.
        self.assertAllClose(found["L1"].values, pairs.l1(made, targets), atol=2e-3)
        self.assertAllClose(found[KID].cross, ((_corner(targets) @ _corner(made).T) / 3 + 1) ** 3, atol=0.05)
        self.assertCountEqual(reader(run, "maps"), (KID, "L1", "SSIM"))
        again = reader(run, "facades")
        self.assertAllEqual(again["SSIM"].values, found["SSIM"].values)


def _corner(images):
    return images[:, 0, 0].astype("float32") / 127.5 - 1


def _corners():
    return Extractor("corners", "0" * 64, lambda x: x[:, 0, 0], 3, "ID-3")


def _brightness(folder, facts, read):
    """A label network that finds two labels, black and red, in dark and in bright pixels of a photo."""

    def network(photos):
        bright = tf.image.resize(tf.reduce_mean(photos, axis=3, keepdims=True), (64, 64), "nearest") > 0
        return tf.reshape(tf.cast(bright, tf.float32), [-1, 64 * 64])

    extractor = Extractor("brightness", "0" * 64, network, 64 * 64, "labels")
    return LabelNetwork(np.array([[0, 0, 0], [255, 0, 0]], "uint8"), extractor, {})


def _images(run, task):
    return [side.images() for side in sides(recorded_data(task, run[task].facts), "test")]


if __name__ == "__main__":
    tf.test.main()
