"""Checks that missing results are made once, resumed after a stop, and left out on failure. pgtf is a stand-in."""

import dataclasses
import os
import pathlib
import sys
import textwrap
import time
from concurrent import futures

from absl.testing import absltest

from pgtf.experiments.paper.experiment import experiment_of
from pgtf.experiments.paper.identity import Wanted
from pgtf.experiments.paper.presets import PRESETS
from pgtf.experiments.paper.results import MISSING, Results
from pgtf.experiments.paper.runner import ExperimentRunner
from pgtf.foundation import files
from tests.experiments.made import TASKS, finished_run
from tests.experiments.test_results import BASE, EXPERIMENT
from tests.processes import interrupted_when

SCRIPT = """
    import os, shutil, sys
    command, *flags = sys.argv[1:]
    flags = dict(flag[2:].split("=", 1) for flag in flags)
    run = flags["run_dir"]
    with open({log!r}, "a") as log:
        print(command, os.path.basename(run), flags.get("first_task_from", "").rsplit("/", 1)[-1], file=log)
    if command == "train" and flags["method"] == {fails!r}:
        sys.exit(3)
    if command == "evaluate":
        shutil.copytree({made!r}, run, dirs_exist_ok=True)
"""


class DoingTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        folder, self.runs = self.create_tempdir().full_path, self.create_tempdir().full_path
        self.log, self.script = os.path.join(folder, "log"), os.path.join(folder, "pgtf.py")
        self.made = finished_run(self.create_tempdir().full_path)
        self.results = Results(self.create_tempdir().full_path)

    def do(self, *experiments, fails=""):
        text = textwrap.dedent(SCRIPT).format(log=self.log, made=self.made, fails=fails)
        pathlib.Path(self.script).write_text(text, encoding="utf-8")
        pathlib.Path(self.log).write_text("", encoding="utf-8")
        command = [sys.executable, self.script]
        runner = ExperimentRunner(PRESETS["mini"], self.results, self.runs, pgtf=command, patience=0.01)
        try:
            runner.run(experiments)
        finally:
            self.done = pathlib.Path(self.log).read_text(encoding="utf-8").splitlines()
        return runner

    def test_a_base_is_learnt_first_and_all_once(self):
        runner = self.do(EXPERIMENT)
        self.assertEqual(
            self.done,
            [
                f"train {BASE.name} ",
                f"evaluate {BASE.name} ",
                f"train {EXPERIMENT.name} {BASE.name}",
                f"evaluate {EXPERIMENT.name} ",
            ],
        )
        self.assertIsNotNone(self.results.read(EXPERIMENT))
        self.assertEmpty(runner.missing([EXPERIMENT]))
        self.do(EXPERIMENT)
        self.assertEmpty(self.done)

    def test_later_tasks_are_compressed_once(self):
        copied = dataclasses.replace(EXPERIMENT, base=None, tasks=TASKS[:2], compressed="2%")
        self.made = finished_run(self.create_tempdir().full_path, tasks=("facades-2percent", "maps-2percent", "x"))
        self.do(copied)
        run = copied.run_name
        self.assertEqual(self.done, [f"train {run} ", f"compress {run} ", f"compress {run} ", f"evaluate {run} "])
        self.do(dataclasses.replace(copied, split="validation"))
        self.assertEqual(self.done, [f"train {run} ", f"evaluate {run} "])

    def test_time_is_told_by_the_pace_and_then_by_what_was_taken(self):
        pace = PRESETS["mini"].pace
        others = [experiment_of(TASKS, {"steps": 60, **flags}, 1) for flags in ({"method": "full"}, {"method": "mask"})]
        unpaired = experiment_of(TASKS[:1], {"method": "full", "steps": 60, "objective": "cyclegan"}, 1)
        runner = ExperimentRunner(PRESETS["mini"], self.results, self.runs, pgtf=[sys.executable, self.script])
        self.assertEqual(list(runner.estimates([*others, unpaired]).values()), [180 / pace[0]] * 2 + [60 / pace[1]])
        files.write(os.path.join(self.made, "seconds"), b"600")
        self.results.write(others[0], self.made)
        self.assertEqual(runner.estimates([*others, unpaired]), {others[1]: 600.0, unpaired: 60 / pace[1]})
        self.assertIn("about 10:0", runner.plan(others))

    def test_a_piece_of_other_settings_is_learnt_anew(self):
        self.do(EXPERIMENT)
        other = experiment_of(TASKS, {"method": "mask", "steps": 6}, 1, BASE)
        self.do(other)
        # The base has results, but its run directory is asked again: another machine may not have it.
        self.assertEqual(self.done[-2:], [f"train {other.name} {BASE.name}", f"evaluate {other.name} "])

    def test_one_that_fails_is_told_and_the_rest_is_done(self):
        good = experiment_of(TASKS, {"method": "full", "steps": 5}, 1)
        with self.assertRaisesRegex(ValueError, f"1 experiments failed.*: {EXPERIMENT.name}"):
            self.do(EXPERIMENT, good, fails="mask")
        self.assertIsNone(self.results.read(EXPERIMENT))
        self.assertIsNotNone(self.results.read(good))
        self.do(EXPERIMENT, good)  # Goes on with what is missing.
        self.assertIsNotNone(self.results.read(EXPERIMENT))
        self.assertNotIn(good.name, " ".join(self.done))

    def test_a_result_of_other_data_is_kept_and_not_counted(self):
        self.do(EXPERIMENT)
        data = self.create_tempdir().full_path
        for task in ("cityscapes", "edges2handbags", *TASKS):
            files.write(os.path.join(data, task, "train", "1.png"), b"an image")
        real = Results(self.results.folder, Wanted(data))
        runner = ExperimentRunner(PRESETS["mini"], real, self.runs, data_dir=data, pgtf=[sys.executable, self.script])
        self.assertEqual(runner.missing([EXPERIMENT]), [BASE, EXPERIMENT])
        with self.assertRaisesRegex(
            ValueError, r"2 results come .*Received: .*images of facades are drawn, not \w{16}"
        ):
            runner.check_inputs([EXPERIMENT])

    def test_a_run_of_other_data_is_told_and_the_rest_goes_on(self):
        self.results.wanted = Wanted(self.create_tempdir().full_path)
        other = experiment_of(TASKS, {"method": "full", "steps": 5}, 1)
        with self.assertRaisesRegex(ValueError, f"2 experiments failed.*: {BASE.name}, {other.name}"):
            self.do(BASE, other)
        self.assertLen(self.done, 4)
        self.assertEqual(self.results.problem(BASE), MISSING)

    def test_what_another_process_is_at_is_left_to_it(self):
        other = experiment_of(TASKS, {"method": "full", "steps": 5}, 1)
        with futures.ThreadPoolExecutor() as pool:
            with files.locked(os.path.join(self.runs, "taken", BASE.name)):
                done = pool.submit(self.do, EXPERIMENT, other)
                while not self.results.read(other) and not done.done():  # What needs no base is done meanwhile.
                    time.sleep(0.01)
                self.assertNotIn(BASE.name, pathlib.Path(self.log).read_text(encoding="utf-8"))
                for one in (BASE, EXPERIMENT):  # The other process does these.
                    self.results.write(one, self.made)
            done.result()
        self.assertEqual(self.done, [f"{command} {other.name} " for command in ("train", "evaluate")])

    def test_stopped_it_lets_a_script_save(self):
        saving = """
            import signal, time
            def save(*_):
                time.sleep(0.5)
                print("saved", file=open({log!r}, "a"))
                raise SystemExit(1)
            signal.signal(signal.SIGTERM, save)
            print("begun", file=open({log!r}, "a"))
            time.sleep(30)
        """
        pathlib.Path(self.script).write_text(textwrap.dedent(saving).format(log=self.log))
        runner = ExperimentRunner(PRESETS["mini"], self.results, self.runs, pgtf=[sys.executable, self.script])
        with self.assertRaises(KeyboardInterrupt), interrupted_when(lambda: os.path.exists(self.log)):
            runner.run([BASE])
        self.assertEqual(pathlib.Path(self.log).read_text().splitlines(), ["begun", "saved"])


if __name__ == "__main__":
    absltest.main()
