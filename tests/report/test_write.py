"""Reports of run directories: written whole, renewed by training, of several runs."""

import contextlib
import dataclasses
import io
import os

import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from pgtf.config import load_config
from pgtf.report.observer import ReportObserver
from pgtf.report.write import report, update_report
from pgtf.training.sequence import SequentialTrainer
from tests.report.test_page import Page
from tests.tiny import tiny_run

pytestmark = pytest.mark.usefixtures("step_by_step")


def seen(path):
    with open(path, encoding="utf-8") as file:
        return Page(file.read())


class ReportingTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def run_of(self, name, *tasks, **settings):
        return tiny_run(os.path.join(self.folder, name), tasks or ("maps", "facades"), **settings)

    def test_a_report(self):
        run_dir = self.run_of("run")
        path = report(run_dir)
        self.assertEqual(path, os.path.join(run_dir, "report", "index.html"))
        found = seen(path)
        self.assertEqual(found.wrong, [])
        self.assertIn("--image_size=8x8", found.told)
        self.assertIn("2 of 2", found.told)

    def test_again_it_says_the_same_and_keeps_no_more(self):
        run_dir = self.run_of("run", method="finetune")
        told, kept = [], []
        for _ in range(2):
            told.append(seen(report(run_dir)).files)
            parts = os.path.join(run_dir, "report", "parts")
            kept.append({name: os.stat(os.path.join(parts, name)).st_mtime_ns for name in os.listdir(parts)})
        self.assertEqual(told[0], told[1])
        self.assertEqual(kept[0], kept[1])

    def test_several_runs_on_the_same_inputs(self):
        first, second = self.run_of("a/run"), self.run_of("b/run", "facades", "other", method="full")
        path = report(first, [second])
        self.assertEqual(path, os.path.join(first, "report", "compare.html"))
        self.assertIn("1 · maps", seen(os.path.join(first, "report", "index.html")).told)  # The run's own page stays.
        found = seen(path)
        self.assertEqual(found.wrong, [])
        self.assertContainsSubset({"8 × 8", "10", "drawn"}, {text for tag, text in found.texts if tag == "td"})
        alts = [image["alt"] for image in found.all("img")]
        for run_dir in (first, second):  # Both are called "run".
            self.assertIn(f"an input of facades through {run_dir}", alts)
        self.assertIn(f"an input of maps through {first}", alts)  # Tasks that one run alone has.
        self.assertIn(f"an input of other through {second}", alts)
        self.assertNotIn(f"an input of maps through {second}", alts)
        self.assertContainsSubset({"piggyback", "full"}, {text for tag, text in found.texts if tag == "td"})

    def test_a_grid_of_several_runs(self):
        first, second = self.run_of("one"), self.run_of("two", "facades", "other", method="full")
        path = os.path.join(self.folder, "grid.png")
        report(first, [second], grid_path=path)
        with Image.open(path) as picture:
            self.assertEqual(picture.format, "PNG")
            self.assertGreater(picture.width, 3 * picture.height / 2)  # A row of four: facades alone is in both.
        with self.assertRaisesRegex(
            ValueError, "--grid compares several runs: add --compare=OTHER_RUN. Received: .*one alone"
        ):
            report(first, grid_path=path)

    def test_training_renews_it(self):
        config = dataclasses.replace(
            load_config(self.run_of("run", "maps", size=(16, 16))),
            tasks=("maps", "facades"),
            discriminator_width=2,
            discriminator_layers=1,
            steps=2,
            drawn_images=4,
            log_every=1,
            sample_every=1,
            steps_per_call=1,
        )
        first, said = seen(report(config.run_dir)), io.StringIO()
        with contextlib.redirect_stdout(said):
            SequentialTrainer(config, ReportObserver()).run()
        path = os.path.join(config.run_dir, "report", "index.html")
        self.assertEndsWith(said.getvalue(), f"Look, in a browser: {path}\n")
        self.assertNotIn("warning: the report", said.getvalue())
        self.assertIn("1 of 1", first.told)
        found = seen(path)
        self.assertIn("2 of 2", found.told)
        self.assertIn("every pixel that maps makes is the same to the bit", found.told)
        self.assertTrue([svg for svg in found.all("svg") if "l1 over 2 steps" in svg["aria-label"]])
        folder = os.path.join(config.run_dir, "tensorboard")
        tags = []
        for name in sorted(os.listdir(folder)):
            for event in EventFileLoader(os.path.join(folder, name)).Load():
                tags += [(value.tag, event.step) for value in event.summary.value if name.endswith(".report")]
        self.assertCountEqual(
            tags, [("_hparams_/session_start_info", 0), ("report/stored MB", 2), ("report/stored", 2)]
        )

    def test_no_run_ends_because_of_its_report(self):
        run_dir = self.run_of("run")
        with open(os.path.join(run_dir, "report"), "w"):
            pass
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            update_report(run_dir)
        self.assertRegex(said.getvalue(), r"warning: the report was not updated: \w+Error: ")


if __name__ == "__main__":
    tf.test.main()
