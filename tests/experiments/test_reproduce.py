"""Checks that an interrupted reproduction resumes to the same figures: pgtf itself, on tiny drawn tasks."""

import json
import os
import pathlib
import sys
from unittest import mock

import pytest
import tensorflow as tf
from absl.testing import absltest, parameterized

from pgtf.experiments.paper.experiment import experiment_of
from pgtf.experiments.paper.presets import PRESETS
from pgtf.experiments.paper.results import Results
from pgtf.experiments.paper.runner import ExperimentRunner
from pgtf.storage import run_paths
from tests.processes import Script, interrupted_when

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"
FLAGS = {
    "method": "full",
    "image_size": 16,
    "load_size": 18,
    "width": 4,
    "discriminator_width": 4,
    "discriminator_layers": 1,
    "drawn_images": 8,
    "steps": 24,
    "log_every": 2,
    "steps_per_call": 2,
    "deterministic": True,
}
TASKS = ("maps",)  # One: no classifier has to be learnt.
EXPERIMENT = experiment_of(TASKS, FLAGS, 3)


def _lines(log):
    return log.read_text().count("\n")  # Whole ones: the last may be half written.


def _steps(log):
    lines = map(json.loads, log.read_text().splitlines())
    return [line["step"] for line in lines if "step" in line]


def _step_by_step():
    """Traces nothing, in a process that takes few steps."""
    tf.config.run_functions_eagerly(True)


def _forked(command, **_):
    """A process of `pgtf`."""
    python, *module, name = command[:4]
    assert (python, module) == (sys.executable, ["-m", "pgtf"]), command
    return Script(SCRIPTS / f"{name}.py", *command[4:], before=_step_by_step)


class ReproduceTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        forked = mock.patch("subprocess.Popen", _forked)
        for each in (forked, mock.patch("pgtf.experiments.paper.experiment.PAIRED", TASKS)):
            each.start()
            self.addCleanup(each.stop)

    def runner(self):
        runs, results = (self.create_tempdir().full_path for _ in range(2))
        return ExperimentRunner(PRESETS["mini"], Results(results), runs)

    @pytest.mark.long
    def test_stopped_and_gone_on_with_it_has_the_same_figures(self):
        whole, stopped = self.runner(), self.runner()
        whole.run([EXPERIMENT])
        run = pathlib.Path(stopped.runs, EXPERIMENT.name)
        log = run / "log.jsonl"
        with self.assertRaises(KeyboardInterrupt), interrupted_when(lambda: log.exists() and _lines(log) >= 4):
            stopped.run([EXPERIMENT])
        self.assertFalse(
            (run / "tasks" / run_paths.task_folder(0, "maps") / "slice.json").exists()
        )  # Stopped on its way.
        begun = _steps(log)
        stopped.run([EXPERIMENT])
        self.assertGreaterEqual(_steps(log)[len(begun)], begun[-1])  # It went on, not anew.
        one, other = (each.results.read(EXPERIMENT) for each in (whole, stopped))
        self.assertEqual(one.matrix, other.matrix)
        self.assertIsNotNone(one.matrix.value("L1", "maps", "maps"))

    @parameterized.parameters("x", "", "0,0", "-1", "1.5")
    def test_seeds(self, seeds):
        self.refused(f"--seeds={seeds}", says=f"ValueError: --seeds must be .*Received: {seeds}\n")

    def test_a_row_that_no_table_has(self):
        self.refused("--preset=fair", "--row=Full, hot", says="ValueError: .*no such --row. Received: Full, hot\n")

    def test_what_would_fail_after_hours_is_refused_at_once(self):
        data = self.create_tempdir().full_path
        for task in ("cityscapes", "maps", "facades"):
            os.mkdir(os.path.join(data, task))
        self.refused(f"--data_dir={data}", "--table=3", says="are missing.* Received: .* without edges2handbags\n")
        self.refused("--inception=/nowhere", says="SavedModel's folder or a TF-Hub handle. Received: /nowhere")

    def refused(self, *flags, says):
        folder = self.create_tempdir().full_path
        places = (f"--{name}={os.path.join(folder, name)}" for name in ("runs", "results", "page"))
        process = Script(SCRIPTS / "reproduce.py", *places, *flags)
        errors = process.communicate(timeout=60)[1]  # One that is not refused would learn for hours.
        self.assertEqual(process.returncode, 1)
        self.assertRegex(errors, says)
        self.assertNotIn("Traceback", errors)
        self.assertEmpty(os.listdir(folder))  # No run was begun, and no page written.


if __name__ == "__main__":
    absltest.main()
