"""The tables of classifiers: flags that `pgtf train` takes, shared experiments, and figures by hand."""

import dataclasses
import hashlib
import math
import os
import sys

from absl.testing import absltest, parameterized

from pgtf.cli.command_line import _check_use
from pgtf.config import Config, flagfile, load_config
from pgtf.experiments.paper import classifiers, tables
from pgtf.experiments.paper.experiment import BACKBONE, experiment_of, with_bases
from pgtf.experiments.paper.presets import PRESETS
from pgtf.experiments.paper.results import Result, Results, _images
from pgtf.experiments.paper.runner import ExperimentRunner
from pgtf.foundation import files
from pgtf.metrics.matrix import Matrix
from pgtf.runs.run import Run
from tests.experiments.made import finished_run

MINI = PRESETS["mini"]
TASKS = (BACKBONE, "a", "b")
# Of b after b: 0.9. The backbone is not measured; a falls from 0.8 to 0.75.
TOP1 = [[None] * 3, [None, 0.8, 0.75], [None, None, 0.9]]


def experiments(made, *names):
    chosen = [made[name] for name in names or made]
    return with_bases([one for table in chosen for row in table.rows for one in row.experiments])


def result(**changes):
    fields = dict(stored={BACKBONE: 1000, "a": 50, "b": 30}, full=1000, seconds=1.0, images={}, beside={"n": {}})
    return Result(Matrix(TASKS, ("x", "y", "z"), {"Top1": TOP1}), **{**fields, **changes})


class TablesTest(parameterized.TestCase):
    @parameterized.product(drawn=(True, False), preset=("mini", "paper"))
    def test_train_takes_their_flags(self, drawn, preset):
        for one in experiments(classifiers.tables(PRESETS[preset], (0,), drawn)):
            lines = [f"--{name}={value}" for name, value in one.flags] + [f"--tasks={','.join(one.tasks)}"]
            given = flagfile.parsed(lines)
            _check_use(Config.from_flat(given), given, {name for name, _ in one.flags})

    def test_drawn_ones_need_no_file(self):
        for one in experiments(classifiers.tables(MINI, (0,), True)):
            self.assertLessEqual({*one.tasks}, {*classifiers.DRAWN})
            self.assertFalse(one.from_file)

    def test_only_the_orders_of_packnet_differ(self):
        rows = {row.title: row.experiments[0] for row in classifiers.tables(MINI, (0,), False)["masks-2"].rows}
        orders = {title: one.tasks for title, one in rows.items() if one.tasks != classifiers.MASKS}
        self.assertEqual(orders, {"PackNet ↑": (BACKBONE, "pacs_photo", "gtsrb", "pacs_art_painting", "flowers102")})
        self.assertTrue(all(one.from_file and one.learned == one.tasks[1:] for one in rows.values()))

    def test_table_7_learns_nothing_that_table_2_lacks(self):
        made = classifiers.tables(MINI, (0, 1), False)
        self.assertLess({*experiments(made, "masks-7")}, {*experiments(made, "masks-2")})

    def test_signs_and_digits_are_not_mirrored(self):
        for one in experiments(classifiers.tables(MINI, (0,), False), "masks-2"):
            self.assertEqual(dict(one.flags)["override"], "gtsrb:flip=false")

    def test_what_is_stored_is_shown(self):
        folder = self.create_tempdir().full_path

        def shown(preset, drawn):
            return [*tables.shown(classifiers.tables, preset, (0,), folder, drawn)]

        self.assertEmpty(shown(MINI, None))
        drawn, real = (classifiers.tables(MINI, (0,), each) for each in (True, False))
        files.write(os.path.join(folder, f"{experiments(drawn, 'cpg-1')[-1].name}.json"), b"")
        self.assertEqual(shown(MINI, None), ["cpg-1", "cpg-2"])
        files.write(os.path.join(folder, f"{experiments(real, 'masks-7')[0].name}.json"), b"")
        self.assertEqual(shown(MINI, None), ["masks-2", "masks-5", "masks-7"])
        self.assertEmpty(shown(PRESETS["fair"], True))


class FiguresTest(absltest.TestCase):
    def test_by_hand(self):
        self.assertAlmostEqual(classifiers.error(result(), "a"), 25)
        self.assertAlmostEqual(classifiers.mean_error(result()), (25 + 10) / 2)
        self.assertAlmostEqual(classifiers.forgetting(result()), 5)
        self.assertAlmostEqual(classifiers.megabytes(result()), 1080 / 1e6)

    def test_the_interval_is_that_of_independent_images(self):
        found = classifiers.half_interval(result(beside={"n": {"a": 300, "b": 100}}))
        self.assertAlmostEqual(found, 100 * 1.96 * math.sqrt(0.25 * 0.75 / 300 + 0.1 * 0.9 / 100) / 2)
        self.assertIsNone(classifiers.half_interval(result(beside={"n": {"a": 300}})))

    def test_nothing_measured(self):
        empty = Result(Matrix(TASKS, ("x", "y", "z"), {}), {}, 1, 1.0, {}, {"n": {}})
        found = [one(empty) for one in (classifiers.mean_error, classifiers.half_interval, classifiers.forgetting)]
        self.assertEqual(found, [None] * 3)


class BackboneTest(absltest.TestCase):
    def test_an_experiment_starts_from_the_file(self):
        one = experiment_of(TASKS, {"method": "mask", "objective": "classification", "steps": 1}, 0)
        folder = self.create_tempdir().full_path
        log = os.path.join(folder, "log")
        files.write(
            os.path.join(folder, "pgtf.py"), f"import sys; print(*sys.argv[1:], file=open({log!r}, 'a'))".encode()
        )
        runner = ExperimentRunner(
            MINI,
            Results(folder),
            os.path.join(folder, "runs"),
            weights="net.npz",
            pgtf=[sys.executable, os.path.join(folder, "pgtf.py")],
        )
        with self.assertRaises(FileNotFoundError):  # This stand-in writes no run.
            runner._piece(one)
        with open(log, encoding="utf-8") as file:
            said = file.read().splitlines()
        self.assertLen(said, 1)  # Scores are measured by the same process.
        self.assertIn("--first_task_from=net.npz --evaluate --tasks=imagenet,a,b", said[0])
        with self.assertRaisesRegex(FileNotFoundError, "need a backbone: .* Received: --first_task_from=net.npz"):
            runner.check_inputs([one])

    def test_a_result_names_the_file(self):
        folder = finished_run(self.create_tempdir().full_path)
        weights = os.path.join(folder, "net.npz")
        files.write(weights, b"weights")
        flagfile.save(dataclasses.replace(load_config(folder), first_task_from=weights))
        task = Run(folder).bank.slice(0)
        backbone = dataclasses.replace(task, facts=dataclasses.replace(task.facts, data=""))
        self.assertEqual(_images(backbone, folder), f"weights {hashlib.sha256(b'weights').hexdigest()[:12]}")


if __name__ == "__main__":
    absltest.main()
