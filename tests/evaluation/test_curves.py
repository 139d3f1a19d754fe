"""Figures while a run learns: a stage after each task, a curve of each task, the weights of its best point."""

import contextlib
import dataclasses
import functools
import io
import json
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pgtf.assembly import build
from pgtf.assembly.planned_data import data_of
from pgtf.config import Config, task_plans
from pgtf.data import drawn
from pgtf.data.finder import DRAWN_TEST, DRAWN_TESTS
from pgtf.evaluation import curves
from pgtf.evaluation.run_evaluation import EvaluationConfig, RunEvaluation
from pgtf.evaluation.task_evaluator import classifier_of
from pgtf.foundation import files
from pgtf.foundation.errors import ImageError
from pgtf.metrics.measurements import Measurement
from pgtf.objectives import Pix2Pix
from pgtf.report.write import update_report
from pgtf.runs.listing import row_lines, rows
from pgtf.runs.run import Run
from pgtf.storage.bank import FilterBank
from pgtf.training.sequence import SequentialTrainer

pytestmark = pytest.mark.usefixtures("step_by_step")

TINY = Config(
    tasks=("maps", "facades"),
    image_size="16",
    width=2,
    discriminator_width=2,
    discriminator_layers=1,
    steps=4,
    drawn_images=4,
    steps_per_call=2,
    evaluate=True,
    evaluate_every=2,
    evaluate_images=2,
    keep_weights="best",
    ema=0.5,
)
QUICK = functools.partial(classifier_of, steps=1)


class OnTheWayTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = os.path.join(self.create_tempdir().full_path, "run")

    def ran(self, classifier_of=QUICK, **settings):
        said, config = io.StringIO(), dataclasses.replace(TINY, run_dir=self.run_dir, **settings)
        with contextlib.redirect_stdout(said):
            SequentialTrainer(config, classifier_of=classifier_of).run()
        return said.getvalue()

    def path(self, *parts):
        return os.path.join(self.run_dir, *parts)


class StageTest(OnTheWayTest):
    def test_each_task_has_a_curve_and_each_stage_its_artefact(self):
        said = self.ran()
        with open(self.path("log.jsonl")) as file:
            points = [line for line in map(json.loads, file) if "evaluation" in line]
        self.assertEqual([point["step"] for point in points], [2, 4, 2, 4])
        for point in points:
            self.assertEqual(list(point["evaluation"]), ["L1", "PSNR", "SSIM", "FCD", "KCD", "Acc", "FCD-untouched"])
            self.assertEqual(list(point["measured_by"]), ["FCD", "KCD", "Acc", "FCD-untouched"])
            self.assertRegex(point["measured_by"]["FCD"], r"^classifier of facades, maps \([0-9a-f]{8}\)$")
        with open(self.path("evaluation", "02-facades.txt"), encoding="utf-8") as file:
            self.assertIn(file.read(), said)
        self.assertIn("after facades", said.split("pictures")[0])
        self.assertTrue(os.path.exists(self.path("evaluation", "01-maps.txt")))
        for task in Run(self.run_dir):
            self.assertEqual((task.facts.training["keep"], task.facts.training["ema"]), ("best", 0.5))
        # One classifier, of both tasks, from the first point to the last table.
        self.assertLen(os.listdir(self.path("evaluation", "classifiers")), 1)

        # What is measured is not measured again, which would need the classifier.
        again = lambda *_: self.fail("measured again")  # noqa: E731
        self.assertIn("all 2 tasks are learned", self.ran(classifier_of=again))
        by_hand = RunEvaluation(Run(self.run_dir), EvaluationConfig(classifier_of=again)).measure()
        with open(self.path("evaluation", "matrix.json")) as file:
            self.assertEqual(json.load(file)["values"]["FCD"], [list(row) for row in by_hand.values["FCD"]])
        self.assertIsNotNone(by_hand.value("FCD", "maps", "maps"))

        os.unlink(self.path("evaluation", "02-facades.txt"))
        before = files.sha256_of(self.path("samples", "facades-input.png"))
        self.ran()
        self.assertTrue(os.path.exists(self.path("evaluation", "02-facades.txt")))
        self.assertEqual(files.sha256_of(self.path("samples", "facades-input.png")), before)

    def test_without_test_images_nothing_is_begun(self):
        data = os.path.join(self.create_tempdir().full_path, "data")
        os.makedirs(os.path.join(data, "maps", "train"))
        Image.fromarray(np.zeros((16, 32, 3), "uint8")).save(os.path.join(data, "maps", "train", "1.png"))
        for settings in ({"evaluate_every": 0, "keep_weights": "last"}, {"evaluate": False}):
            with self.assertRaisesRegex(ValueError, "does not learn from.* Received: neither for maps"):
                self.ran(tasks=("maps",), data_dir=data, **settings)
            self.assertFalse(os.path.exists(self.path("tasks")))

    def pairs(self, **counts):
        """Files DATA/maps/SPLIT/N.png; those of test hold no image."""
        data = os.path.join(self.create_tempdir().full_path, "data")
        draw = np.random.default_rng(0)
        for split, count in counts.items():
            os.makedirs(os.path.join(data, "maps", split))
            for number in range(count):
                path = os.path.join(data, "maps", split, f"{number}.png")
                Image.fromarray(draw.integers(0, 256, (16, 32, 3), dtype="uint8")).save(path)
                if split == "test":
                    os.truncate(path, 9)
        return data

    def test_with_validation_no_choice_reads_a_test_image(self):
        data = self.pairs(train=40, test=3)
        said = self.ran(tasks=("maps",), data_dir=data, evaluate=False, validation=0.1)
        self.assertIn("maps: pictures are of validation images", said)
        (task,) = Run(self.run_dir)
        facts = task.facts
        self.assertEqual((facts.probes_split, facts.training["keep"]), ("validation", "best"))
        held_out = facts.images["validation"]["count"]
        self.assertEqual(facts.images["train"]["count"], 40 - held_out)
        evaluation = RunEvaluation(Run(self.run_dir), EvaluationConfig(split="validation"), say=print)
        self.assertIsNotNone(evaluation.measure().value("L1", "maps", "maps"))
        figures = evaluation.figures["maps", "maps"]
        self.assertEqual((figures["L1"].generated.split, figures["L1"].generated.n), ("validation", held_out))
        with self.assertRaisesRegex(ImageError, "maps/test/0.png"):  # They are what they seem.
            RunEvaluation(Run(self.run_dir)).measure()

    @pytest.mark.long
    def test_where_pictures_are_of_training_images_that_is_said(self):
        data = self.pairs(train=4)
        settings = dict(tasks=("maps",), data_dir=data, evaluate=False, evaluate_every=0, keep_weights="last")
        open(os.path.join(data, "maps", "train", "x.jxl"), "w").close()
        said = self.ran(**settings)
        self.assertIn("maps: no test images, so pictures are of training images", said)
        self.assertEqual(said.count("maps: left out 1 file in a format that pgtf does not read: 1 .jxl"), 1)
        (task,) = Run(self.run_dir)
        self.assertEqual(task.facts.probes_split, "train")
        # An older slice says it by the folder.
        self.assertEqual(dataclasses.replace(task.facts, probes_split="").shown_split, "train")
        self.assertEndsWith(list(row_lines(rows(self.run_dir)))[1], f"{data}/maps (pictures are of train images)")
        with open(update_report(self.run_dir), encoding="utf-8") as file:
            page = file.read()
        self.assertIn("On training pictures, which the tasks learned from", page)
        self.assertIn("--split=train", page)
        with self.assertRaisesRegex(ValueError, "learned with --validation.* Received: none for maps"):
            RunEvaluation(Run(self.run_dir), EvaluationConfig(split="validation")).measure()

    def test_single_images_are_refused_before_anything_is_learnt(self):
        data = self.pairs(train=12)
        photo = np.random.default_rng(1).integers(0, 256, (6, 6, 3), dtype="uint8")
        for number in range(12):
            image = Image.fromarray(np.roll(photo, number, 0)).resize((48, 48), Image.Resampling.BICUBIC)
            image.save(os.path.join(data, "maps", "train", f"{number}.png"))
        with self.assertRaisesRegex(ValueError, "look like single images"):
            self.ran(tasks=("maps",), data_dir=data, evaluate=False, evaluate_every=0, keep_weights="last")
        self.assertFalse(os.path.exists(self.path("tasks")))

    @pytest.mark.long
    def test_a_task_goes_on_choosing_as_it_began(self):
        def interrupted(folder, tasks):
            def network(_):
                raise KeyboardInterrupt  # At the first figure.

            found = QUICK(folder, tasks)
            return dataclasses.replace(found, extractor=dataclasses.replace(found.extractor, network=network))

        with self.assertRaises(KeyboardInterrupt):
            self.ran(classifier_of=interrupted)
        with self.assertRaisesRegex(ValueError, "settings that it began with.* evaluate_images=3, not 2"):
            self.ran(evaluate_images=3)
        with self.assertRaisesRegex(ValueError, r"settings that it began with.* tasks=\['edges2.*, not \['facades'"):
            self.ran(tasks=(*TINY.tasks, "edges2handbags"))


class CurveTest(OnTheWayTest):
    def test_is_of_the_same_few_test_images_each_time(self):
        config = dataclasses.replace(TINY, run_dir=self.run_dir, tasks=("maps",), evaluate_images=99)
        (plan,) = task_plans(config)
        network = build.generators(config.architecture, config.method, ("forward",))["forward"]
        measure = curves.measure(plan, ("maps",), FilterBank(), data_of(plan))
        for scale in (1, 30):
            network.set_weights([scale * weight for weight in network.get_weights()])
            made, targets = [], []
            for number in range(DRAWN_TESTS):
                image, target = drawn.draw("maps", DRAWN_TEST + number, 16, config.seed)
                made.append(np.rint((network((image / 127.5 - 1)[None].astype("float32"))[0].numpy() + 1) * 127.5))
                targets.append(target)
            expected = np.abs(np.float64(made) - np.float64(targets)).mean() / 127.5
            point = measure({"forward": network})
            self.assertAllClose(point.values["L1"], expected, atol=1e-4)
            self.assertEqual((list(point.values), point.loss), (["L1", "PSNR", "SSIM"], point.values["L1"]))

    def test_the_best_point_has_the_least_distance_of_both_ways_or_the_least_l1(self):
        def loss(**values):
            names = {name.replace("_", "-"): value for name, value in values.items()}
            return curves.point_of(
                {name: Measurement(name, value, "" if value else "none") for name, value in names.items()}, Pix2Pix()
            )

        self.assertEqual(loss(L1=5.0, FCD=3.0, KCD=4.0, Acc=0.5).loss, 3)
        self.assertEqual(loss(FID_768=3.0, KID_768=1.0, FID_768_backward=4.0, KID_768_backward=1.0).loss, 7)
        self.assertEqual(loss(L1=5.0, FCD=3.0, FCD_untouched=8.0).loss, 3)  # What no network changes counts nothing.
        self.assertEqual(loss(L1=5.0, PSNR=9.0, FCD=None, Acc=None), curves.CurvePoint({"L1": 5.0, "PSNR": 9.0}, 5.0))


if __name__ == "__main__":
    tf.test.main()
