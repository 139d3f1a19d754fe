"""A run's matrix of tasks and time: measured from what is stored, on what its slices recorded."""

import csv
import dataclasses
import functools
import json
import os
import shutil
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from pgtf import files
from pgtf.data import drawn
from pgtf.data.manifest import DrawnImages, ImageFiles, Manifest
from pgtf.data.tasks import DRAWN_TEST
from pgtf.evaluation import accuracy
from pgtf.evaluation.extractors import Extractor
from pgtf.evaluation.judge import Judge
from pgtf.methods import METHODS
from pgtf.networks import Architecture
from pgtf.objectives import CycleGAN, Pix2Pix
from pgtf.runs.bank import FilterBank
from pgtf.runs.directory import Run
from pgtf.runs.evaluating import Evaluation, Question, extractor_of
from pgtf.runs.facts import Facts
from tests.tiny import learnt, tiny_run

FORMAT_1 = os.path.join(os.path.dirname(__file__), "..", "fixtures", "format1")
SIZE, TESTS, PIX2PIX = (16, 16), 3, Pix2Pix()
TASKS = ("facades", "maps", "edges2handbags")
# The mean of each colour, and of its square: distances can be computed by hand.
COLOURS = Extractor(
    "colours", "c" * 64, lambda x: tf.concat([tf.reduce_mean(x, [1, 2]), tf.reduce_mean(x * x, [1, 2])], 1), 6, "D-6"
)
ASKED = Question(COLOURS)
quick = mock.patch("pgtf.evaluation.judge.classifier", functools.partial(accuracy.classifier, steps=1))
setUpModule, tearDownModule = quick.start, quick.stop


def drawn_facts(task, seed=3):
    return {
        "train": DrawnImages(task, seed, 0, 4).summary(),
        "test": DrawnImages(task, seed, DRAWN_TEST, TESTS).summary(),
    }


def made(folder, tasks=TASKS[:2], method="piggyback", objective=PIX2PIX, data="drawn", **more):
    """A run directory whose tasks have random values; data: the folder of its images, with the names of tasks."""
    network, width = ("unet", 4) if objective.paired else ("resnet", 2)
    facts = Facts(
        Architecture(network, SIZE, width=width, blocks=1), METHODS[method](), objective, full_values=1, seed=3, **more
    )
    bank, draw = FilterBank(folder=os.path.join(folder, "tasks")), np.random.default_rng(1)
    for task in tasks:
        place = data if data == "drawn" else os.path.join(data, task)
        images = drawn_facts(task) if data == "drawn" else manifest(place).summary()
        learnt(bank, task, dataclasses.replace(facts, data=place, images=images), draw)
    return folder


def manifest(folder):
    there = os.path.isdir(os.path.join(folder, "test"))
    test = ImageFiles.of(os.path.join(folder, "test" if there else "train"))
    return Manifest({"train": ImageFiles.of(os.path.join(folder, "train")), "test": test})


def pairs_folder(folder, task, seed=0, **counts):
    """Real files: DATA/TASK/{train,test}/N.png, noise, input and target side by side."""
    rng = np.random.default_rng([seed, len(task)])
    for split, count in counts.items():
        os.makedirs(os.path.join(folder, task, split))
        for number in range(count):
            pair = rng.integers(0, 256, (20, 40, 3), dtype="uint8")
            Image.fromarray(pair).save(os.path.join(folder, task, split, f"{number}.png"))
    return folder


def by_hand(task_name, network, seed=3):
    """(made, targets), uint8, of the drawn test images of a task, one by one."""
    found = []
    for number in range(TESTS):
        image, target = drawn.draw(task_name, DRAWN_TEST + number, SIZE[0], seed)
        output = network((image / np.float32(127.5) - 1)[None], training=False)[0].numpy()
        found.append((np.rint(np.clip((output + 1) * 127.5, 0, 255)), target))
    made_images, targets = zip(*found)
    return np.stack(made_images), np.stack(targets).astype("float64")


def l1(pair):
    return float(np.abs(pair[0] - pair[1]).mean() / 127.5)


class EvaluationTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.place = self.create_tempdir().full_path
        self.folder = os.path.join(self.place, "run")
        drawn_tests = mock.patch("pgtf.data.tasks.DRAWN_TESTS", TESTS)
        drawn_tests.start()
        self.addCleanup(drawn_tests.stop)

    def evaluation(self, question=ASKED, **more):
        self.said = []
        return Evaluation(Run(self.folder), question, say=self.said.append, **more)

    def filled(self, question=ASKED, tasks=(), **more):
        """The matrix, and the tasks that were measured for it."""
        with mock.patch.object(Judge, "figures", autospec=True, side_effect=Judge.figures) as figures:
            found = self.evaluation(question, **more)
            matrix = found.fill(tasks)
        self.table = found.table()
        return matrix, [call.args[1] for call in figures.call_args_list]


class MatrixTest(EvaluationTest):
    def test_where_the_latest_plays_every_task_the_matrix_shows_forgetting(self):
        made(self.folder, TASKS, "finetune")
        matrix, measured = self.filled()
        run = Run(self.folder)
        networks = [run.at(j, j).networks["forward"] for j in range(3)]
        for i, task in enumerate(TASKS):
            for j, after in enumerate(TASKS):
                expected = l1(by_hand(task, networks[j])) if j >= i else None
                self.assertAllClose(matrix.value("L1", task, after) or 0.0, expected or 0.0, atol=1e-4)
                self.assertEqual(matrix.value("L1", task, after) is None, j < i)
        row = matrix.values["L1"][0]
        self.assertLen(set(row), 3)
        goodness = -matrix.array("L1")
        self.assertAllClose(
            matrix.forgetting("L1"),
            np.mean([goodness[0, :2].max() - goodness[0, 2], goodness[1, 1] - goodness[1, 2]]),
        )
        self.assertEqual(measured, ["facades"] * 3 + ["maps"] * 2 + ["edges2handbags"])
        self.assertIn("facades", self.table.split("L1, mean distance")[1])

    def test_where_a_task_is_played_by_its_own_slice_its_row_is_one_figure_measured_once(self):
        made(self.folder, TASKS)
        matrix, measured = self.filled()
        self.assertEqual(measured, list(TASKS))
        run = Run(self.folder)
        for i, task in enumerate(TASKS):
            expected = l1(by_hand(task, run.at(i).networks["forward"]))
            for after in TASKS[i:]:
                self.assertAllClose(matrix.value("L1", task, after), expected, atol=1e-4)
                self.assertEqual(matrix.value("L1", task, after), matrix.value("L1", task, task))
        self.assertEqual(set(matrix.values), {"L1", "PSNR", "SSIM", "FD-6", "KD-6", "Acc"})
        for name in matrix.values:
            self.assertEqual(matrix.forgetting(name), 0)
            self.assertEqual(matrix.backward_transfer(name), 0)

    def test_distances_are_between_what_is_made_and_the_targets(self):
        made(self.folder)
        matrix, _ = self.filled()
        images, targets = by_hand("maps", Run(self.folder).at(1).networks["forward"])

        def features(x):
            x = x / 127.5 - 1
            return np.concatenate([x.mean((1, 2)), (x * x).mean((1, 2))], 1)

        a, b = features(targets), features(images)
        spread = np.linalg.svd((a - a.mean(0)) @ (b - b.mean(0)).T / 2, compute_uv=False).sum()
        expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum() - 2 * spread
        self.assertAllClose(matrix.value("FD-6", "maps", "maps"), expected, rtol=1e-3)

    def test_without_an_extractor_distances_are_in_the_features_of_the_tasks_classifier(self):
        made(self.folder)
        matrix, _ = self.filled(Question())
        self.assertIn("FCD", matrix.values)
        self.assertIn("of held-out real images the classifier knows facades", self.table)
        self.assertFalse([name for name in matrix.values if name.startswith(("FID", "KID"))])

    def test_one_task_has_no_classifier_and_that_is_said(self):
        made(self.folder, ("maps",))
        matrix, _ = self.filled(Question())
        for name in ("FCD", "KCD", "Acc"):
            self.assertIsNone(matrix.value(name, "maps", "maps"))
        self.assertIn("FCD, KCD, Acc of maps: a classifier needs two tasks to tell apart", self.table)

    def test_the_classifier_knows_tasks_that_are_to_come(self):
        made(self.folder, ("maps",))
        data = Evaluation(Run(made(os.path.join(self.place, "other"), ("facades",))), ASKED).data
        matrix, _ = self.filled(Question(), coming=data)
        self.assertIsNotNone(matrix.value("Acc", "maps", "maps"))

    def test_both_ways_without_pairs(self):
        made(self.folder, ("photo2monet",), objective=CycleGAN(), method="full")
        matrix, _ = self.filled()
        self.assertEqual(
            list(matrix.values), ["FD-6", "KD-6", "Acc", "FD-6-backward", "KD-6-backward"]
        )  # No L1: no pairs.
        inputs = [drawn.draw("photo2monet", DRAWN_TEST + number, 16, 3)[0] for number in range(TESTS)]
        with open(os.path.join(self.folder, "evaluation", "matrix.json")) as file:
            figures = {figure["name"]: figure for figure in json.load(file)["figures"]}
        hashes = [figures["FD-6"]["generated"]["sha256"], figures["FD-6-backward"]["real"]["sha256"]]
        self.assertEqual(hashes[0], hashes[1])
        self.assertNotEqual(hashes[0], figures["FD-6"]["real"]["sha256"])
        self.assertLen(inputs, figures["FD-6-backward"]["real"]["n"])

    def test_a_slice_of_format_1_recorded_no_images(self):
        shutil.copytree(FORMAT_1, self.folder)
        with mock.patch("pgtf.runs.recorded_data.Config.drawn_images", 4):
            matrix, measured = self.filled()
        self.assertEqual(measured, ["maps", "facades"])
        expected = l1(by_hand("maps", Run(self.folder).at(0).networks["forward"], seed=0))
        self.assertAllClose(matrix.value("L1", "maps", "facades"), expected, atol=1e-4)


class GoingOnTest(EvaluationTest):
    def test_killed_in_the_middle_it_goes_on_where_it_stopped(self):
        made(self.folder, TASKS, "finetune")
        whole = os.path.join(self.place, "whole")
        shutil.copytree(self.folder, whole)
        original, calls = Judge.figures, []

        def killed(judge, *args):
            calls.append(args[0])
            if len(calls) == 3:
                raise KeyboardInterrupt
            return original(judge, *args)

        with mock.patch.object(Judge, "figures", killed), self.assertRaises(KeyboardInterrupt):
            self.evaluation().fill()
        with open(os.path.join(self.folder, "evaluation", "matrix.json")) as file:
            self.assertLen(json.load(file)["figures"], 2 * 6)
        matrix, measured = self.filled()
        self.assertEqual(measured, ["facades", "maps", "maps", "edges2handbags"])
        again, measured = self.filled()
        self.assertEmpty(measured)
        self.folder = whole
        self.assertEqual(matrix, self.filled()[0])
        self.assertEqual(matrix, again)

    def test_another_question_is_measured_anew_and_the_first_is_still_known(self):
        made(self.folder)
        first, _ = self.filled()
        less, measured = self.filled(dataclasses.replace(ASKED, limit=2))
        self.assertEqual(measured, ["facades", "maps"])
        self.assertNotEqual(first.values["L1"], less.values["L1"])
        self.assertEqual(self.filled(), (first, []))
        other = dataclasses.replace(COLOURS, sha256="d" * 64)
        self.assertLen(self.filled(dataclasses.replace(ASKED, extractor=other))[1], 2)

    def test_a_run_that_learnt_more_keeps_what_was_measured(self):
        made(self.folder)
        self.filled(coming={})
        run = os.path.join(self.place, "more")
        made(run, TASKS)
        shutil.copytree(os.path.join(self.folder, "evaluation"), os.path.join(run, "evaluation"))
        self.folder = run
        # The classifier knows one more task, so all is measured by it.
        matrix, measured = self.filled()
        self.assertEqual(measured, list(TASKS))
        self.assertEqual(matrix.tasks, TASKS)

    def test_some_tasks_only(self):
        made(self.folder)
        matrix, measured = self.filled(tasks=("maps",))
        self.assertEqual(measured, ["maps"])
        self.assertIsNone(matrix.value("L1", "facades", "facades"))
        self.assertIsNotNone(matrix.value("L1", "maps", "maps"))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "evaluation", "02-maps.txt")))
        matrix, measured = self.filled()
        self.assertEqual(measured, ["facades"])
        with open(os.path.join(self.folder, "evaluation", "02-maps.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), self.table)


class ArtefactsTest(EvaluationTest):
    def test_beside_every_figure_stands_what_it_depends_on(self):
        made(self.folder)
        matrix, _ = self.filled()
        folder = os.path.join(self.folder, "evaluation")
        with open(os.path.join(folder, "matrix.json")) as file:
            figures = json.load(file)["figures"]
        self.assertLen(figures, 3 * 6)
        (fd,) = [f for f in figures if (f["task"], f["after"], f["name"]) == ("facades", "maps", "FD-6")]
        self.assertEqual(fd["value"], matrix.value("FD-6", "facades", "maps"))
        self.assertEqual((fd["generated"]["n"], fd["generated"]["split"]), (TESTS, "drawn test"))
        self.assertEqual((fd["extractor"]["sha256"], fd["extractor"]["resize"]), ("c" * 64, "none"))
        with open(os.path.join(folder, "matrix.csv")) as file:
            rows = list(csv.DictReader(file))
        (row,) = [r for r in rows if (r["metric"], r["task"], r["after"]) == ("FD-6", "facades", "maps")]
        self.assertEqual(float(row["value"]), fd["value"])
        self.assertEqual((row["n"], row["split"], row["extractor"]), ("3", "drawn test", "c" * 64))
        self.assertEqual((row["images"], row["slice"]), (fd["generated"]["sha256"], matrix.slices[0]))

    def test_tensorboard_has_a_point_for_each_time_once(self):
        made(self.folder)
        self.filled()
        matrix, _ = self.filled()
        found = {}
        (events,) = [name for name in os.listdir(os.path.join(self.folder, "tensorboard")) if "evaluation" in name]
        for event in EventFileLoader(os.path.join(self.folder, "tensorboard", events)).Load():
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, float(tf.make_ndarray(value.tensor))))
        self.assertAllClose(
            found["evaluation/L1/facades"],
            [(1, matrix.value("L1", "facades", "facades")), (2, matrix.value("L1", "facades", "maps"))],
        )
        self.assertEqual([step for step, _ in found["evaluation/FD-6/maps"]], [2])


class DataTest(EvaluationTest):
    def setUp(self):
        super().setUp()
        self.data = os.path.join(self.place, "data")
        for task in ("ab", "c"):
            pairs_folder(self.data, task, train=3, test=4)

    def test_files_are_found_where_they_lay_and_where_they_lie_now(self):
        made(self.folder, ("ab", "c"), data=self.data)
        matrix, _ = self.filled()
        moved = os.path.join(self.place, "moved")
        os.rename(self.data, moved)
        with self.assertRaisesRegex(FileNotFoundError, "data_dir"):
            self.evaluation()
        self.assertEqual(self.filled(dataclasses.replace(ASKED, data_dir=moved)), (matrix, []))
        self.assertEmpty(self.said)

    @parameterized.parameters("AtoB", "BtoA")
    def test_the_direction_is_the_recorded_one(self, direction):
        made(self.folder, ("ab", "c"), data=self.data, direction=direction)
        inputs, targets = self.evaluation()._sides(0)
        whole = np.asarray(Image.open(os.path.join(self.data, "ab", "test", "1.png")))
        halves = [
            np.asarray(Image.fromarray(x).resize((16, 16), Image.Resampling.BICUBIC)) for x in np.split(whole, 2, 1)
        ]
        expected = halves if direction == "AtoB" else halves[::-1]
        self.assertAllEqual([inputs.images()[1], targets.images()[1]], expected)
        self.assertEqual(inputs.image_set.part, "left half" if direction == "AtoB" else "right half")
        self.assertEqual(inputs.image_set.split, "test")

    def test_changed_images_are_told_and_noted(self):
        made(self.folder, ("ab", "c"), data=self.data)
        os.unlink(os.path.join(self.data, "ab", "test", "3.png"))
        Image.fromarray(np.zeros((20, 40, 3), "uint8")).save(os.path.join(self.data, "c", "train", "0.png"))
        self.filled()
        self.assertLen(self.said, 2)
        self.assertIn("ab: its images are not those that it was learnt with: test: 4 images then, 3 now", self.said[0])
        self.assertIn("c: its images are not", self.said[1])
        self.assertIn("train: 3 images then and now, of other names or sizes", self.said[1])
        self.assertIn("of ab: changed since it was learnt: test: 4 images then, 3 now", self.table)

    def test_what_was_left_out_as_unreadable_stays_out(self):
        with open(os.path.join(self.data, "ab", "test", "1.png"), "wb") as file:
            file.write(b"broken")
        made(self.folder, ("ab", "c"), data=self.data)
        with self.assertRaisesRegex(ValueError, "Received: .*1.png"):
            self.filled()
        path = os.path.join(self.folder, "tasks", "01-ab")
        shutil.rmtree(os.path.join(self.folder, "tasks"))
        with mock.patch.object(
            ImageFiles,
            "summary",
            lambda files: {
                "folder": files.folder,
                "count": len(files.sizes),
                "sha256": files.sha256,
                "left_out": ["1.png"] if files.folder.endswith("ab/test") else [],
            },
        ):
            made(self.folder, ("ab", "c"), data=self.data)
        self.assertTrue(os.path.exists(path))
        matrix, _ = self.filled()
        self.assertLen(self.evaluation()._sides(0)[0], 3)
        self.assertIsNotNone(matrix.value("L1", "ab", "ab"))

    def test_without_a_test_split_training_images_are_taken_only_if_told(self):
        pairs_folder(self.data, "new", train=5)
        made(self.folder, ("ab", "new"), data=self.data)
        with self.assertRaisesRegex(ValueError, "does not learn from.*--split=train.* Received: neither for new"):
            self.filled()
        matrix, measured = self.filled(tasks=("ab",))
        self.assertEqual(measured, ["ab"])
        matrix, _ = self.filled(dataclasses.replace(ASKED, split="train"))
        self.assertIsNotNone(matrix.value("L1", "new", "new"))
        self.assertEqual(self.evaluation(Question(COLOURS, "train"))._sides(1)[0].image_set.split, "train")

    def test_an_empty_split_is_refused(self):
        made(self.folder, ("ab", "c"), data=self.data)
        shutil.rmtree(os.path.join(self.data, "ab", "test"))
        os.makedirs(os.path.join(self.data, "ab", "test"))
        with self.assertRaisesRegex(FileNotFoundError, "A split must hold images.*ab/test"):
            self.evaluation()

    def test_fewer_images_than_asked_for_are_refused(self):
        made(self.folder, ("ab", "c"), data=self.data)
        with self.assertRaisesRegex(ValueError, "equal n.* Received: limit=5, where test of ab has 4"):
            self.filled(dataclasses.replace(ASKED, limit=5))

    def test_one_image_has_no_distance(self):
        made(self.folder, ("ab", "c"), data=self.data)
        matrix, _ = self.filled(dataclasses.replace(ASKED, limit=1))
        self.assertIsNone(matrix.value("FD-6", "ab", "ab"))
        self.assertIsNotNone(matrix.value("L1", "ab", "ab"))
        self.assertIn("a distance needs two images a side", self.table)


class RefusedTest(EvaluationTest):
    def test_a_matrix_of_another_run_in_the_folder(self):
        made(self.folder)
        other = tiny_run(os.path.join(self.place, "other"), size=SIZE)
        self.filled()
        shutil.copytree(os.path.join(self.folder, "evaluation"), os.path.join(other, "evaluation"))
        path = os.path.join(other, "evaluation", "matrix.json")
        before = files.sha256_of(path)
        with self.assertRaisesRegex(ValueError, "without that folder all is measured anew.*belongs to the run"):
            Evaluation(Run(other), ASKED)
        self.assertEqual(files.sha256_of(path), before)

    def test_a_run_that_learnt_at_another_size(self):
        made(self.folder)
        with self.assertRaisesRegex(ValueError, "Received: 64x64, where .* learnt at 16x16"):
            self.evaluation(dataclasses.replace(ASKED, size=(64, 64)))
        self.evaluation(dataclasses.replace(ASKED, size=(16, 16)))

    def test_an_unknown_task_split_and_limit(self):
        made(self.folder)
        with self.assertRaisesRegex(ValueError, "one of facades, maps. Received: moon"):
            self.filled(tasks=("maps", "moon"))
        for bad in ({"split": "val"}, {"limit": -1}):
            with self.assertRaisesRegex(ValueError, "Received"):
                Question(**bad)

    def test_an_extractor_of_another_output(self):
        made(self.folder)
        wrong = dataclasses.replace(COLOURS, dimensions=7)
        with self.assertRaisesRegex(ValueError, r"gives 7 finite features an image. Received: \[3, 6\]"):
            self.filled(Question(wrong))
        with self.assertRaisesRegex(ValueError, "SavedModel's folder or a TF-Hub handle. Received: /nowhere"):
            extractor_of("/nowhere")
        self.assertIsNone(extractor_of(""))


if __name__ == "__main__":
    tf.test.main()
