"""A run's matrix of tasks and time: measured from what is stored, on what its slices recorded."""

import csv
import dataclasses
import functools
import json
import os
import shutil
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from pgtf.assembly.bank import NetworkBank
from pgtf.assembly.recorded_data import changes, recorded_data
from pgtf.data import drawn
from pgtf.data.finder import DRAWN_TEST, DRAWN_TESTS
from pgtf.data.manifest import DrawnImages, ImageFiles, Manifest
from pgtf.evaluation.collection import sides
from pgtf.evaluation.run_evaluation import EvaluationConfig, RunEvaluation, extractor_of
from pgtf.evaluation.task_evaluator import TaskEvaluator, classifier_of
from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.methods import METHODS
from pgtf.metrics.accuracy import TaskClassifier
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.frechet_kernel import frechet_distance
from pgtf.networks import Architecture
from pgtf.objectives import CycleGAN, Pix2Pix
from pgtf.runs.run import Run
from pgtf.storage.facts import Facts
from tests.tiny import flip_a_bit, learnt, tiny_run

pytestmark = pytest.mark.usefixtures("step_by_step")

FORMAT_1 = os.path.join(os.path.dirname(__file__), "..", "fixtures", "format1")
SIZE, TESTS, PIX2PIX = (16, 16), 3, Pix2Pix()
TASKS = ("facades", "maps", "edges2handbags")
# The mean of each colour, and of its square: distances can be computed by hand.
COLOURS = Extractor(
    "colours", "c" * 64, lambda x: tf.concat([tf.reduce_mean(x, [1, 2]), tf.reduce_mean(x * x, [1, 2])], 1), 6, "D-6"
)
# Most of these tests are not about the classifier, whose learning takes longer than all else here.
ASKED = EvaluationConfig(COLOURS, classifier_of=lambda folder, tasks: None)
CLASSIFIED = EvaluationConfig(classifier_of=functools.partial(classifier_of, steps=1))


def drawn_facts(task, seed=3):
    return {
        "train": DrawnImages(task, seed, 0, 4).summary(),
        "test": DrawnImages(task, seed, DRAWN_TEST, TESTS).summary(),
    }


def made(folder, tasks=TASKS[:2], method="piggyback", objective=PIX2PIX, data="drawn", **more):
    """A run directory whose tasks have random values; data: the folder of its images, with the names of tasks."""
    network, width = ("unet", 4) if objective.batch == "pairs" else ("resnet", 2)
    facts = Facts(
        Architecture(network, SIZE, width=width, blocks=1), METHODS[method](), objective, full_values=1, seed=3, **more
    )
    bank, draw = NetworkBank(folder=os.path.join(folder, "tasks")), np.random.default_rng(1)
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


def colours(images):
    """COLOURS in numpy: [n, 6]."""
    x = images / 127.5 - 1
    return np.concatenate([x.mean((1, 2)), (x * x).mean((1, 2))], axis=1)


def by_hand(task_name, network, seed=3, tests=TESTS):
    """(made, targets), uint8, of the drawn test images of a task, one by one."""
    found = []
    for number in range(tests):
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

    def evaluation(self, config=ASKED, **more):
        self.said = []
        return RunEvaluation(Run(self.folder), config, say=self.said.append, **more)

    def filled(self, config=ASKED, tasks=(), **more):
        """The matrix, and the tasks that were measured for it."""
        with mock.patch.object(TaskEvaluator, "figures", autospec=True, side_effect=TaskEvaluator.figures) as figures:
            found = self.evaluation(config, **more)
            matrix = found.measure(tasks)
        self.table = found.table()
        return matrix, [call.args[1] for call in figures.call_args_list]


@functools.cache
def once(method="piggyback"):
    """A run of two tasks and its evaluation, for tests to look at or copy, and the tasks that were judged."""
    temporary = tempfile.TemporaryDirectory()
    made(temporary.name, method=method)
    with mock.patch.object(TaskEvaluator, "figures", autospec=True, side_effect=TaskEvaluator.figures) as figures:
        evaluation = RunEvaluation(Run(temporary.name), ASKED)
        evaluation.measure()
    return temporary, evaluation, [call.args[1] for call in figures.call_args_list]


class MeasuredTest(EvaluationTest):
    def copied(self, method="piggyback", measured=True):
        temporary, _, _ = once(method)
        shutil.copytree(temporary.name, self.folder)
        if not measured:
            shutil.rmtree(os.path.join(self.folder, "evaluation"))


class MatrixTest(MeasuredTest):
    def test_where_the_latest_plays_every_task_the_matrix_shows_forgetting(self):
        temporary, evaluation, measured = once("finetune")
        run, matrix = Run(temporary.name), evaluation.matrix
        (a, b), (c,) = [
            [l1(by_hand(task, run.at(i, j).networks["forward"])) for j in range(i, 2)]
            for i, task in enumerate(evaluation.matrix.tasks)
        ]
        self.assertNotAllClose(a, b, rtol=0.01)
        self.assertAllClose(matrix.values["L1"][0], [a, b], atol=1e-4)
        self.assertIsNone(matrix.values["L1"][1][0])
        self.assertAllClose(matrix.values["L1"][1][1], c, atol=1e-4)
        self.assertAllClose(matrix.forgetting("L1"), b - a, atol=1e-4)
        self.assertEqual(measured, ["facades", "facades", "maps"])
        self.assertIn("facades", evaluation.table().split("L1, mean distance")[1])

    def test_where_a_task_is_played_by_its_own_slice_its_row_is_one_figure_measured_once(self):
        temporary, evaluation, measured = once()
        self.assertEqual(measured, ["facades", "maps"])
        matrix = evaluation.matrix
        expected = l1(by_hand("facades", Run(temporary.name).at(0, 0).networks["forward"]))
        self.assertAllClose(matrix.values["L1"][0], [expected] * 2, atol=1e-4)
        self.assertEqual(list(matrix.values), ["L1", "PSNR", "SSIM", "FD-6", "KD-6", "Acc", "FD-6-untouched"])
        for name in ("L1", "PSNR", "SSIM", "FD-6", "KD-6"):
            self.assertEqual(*matrix.values[name][0])
            self.assertEqual(matrix.forgetting(name), 0)

    def test_distances_are_between_what_is_made_and_the_targets(self):
        temporary, evaluation, _ = once()
        images, targets = by_hand("maps", Run(temporary.name).at(1).networks["forward"])

        def features(x):
            x = x / 127.5 - 1
            return np.concatenate([x.mean((1, 2)), (x * x).mean((1, 2))], 1)

        a, b = features(targets), features(images)
        spread = np.linalg.svd((a - a.mean(0)) @ (b - b.mean(0)).T / 2, compute_uv=False).sum()
        expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum() - 2 * spread
        self.assertAllClose(evaluation.matrix.value("FD-6", "maps", "maps"), expected, rtol=1e-3)

    def test_without_an_extractor_distances_are_in_the_features_of_the_tasks_classifier(self):
        made(self.folder)
        matrix, _ = self.filled(CLASSIFIED)
        self.assertIn("FCD", matrix.values)
        self.assertIn("of held-out real images the classifier knows facades", self.table)
        self.assertFalse([name for name in matrix.values if name.startswith(("FID", "KID"))])

    def test_one_task_has_no_classifier_and_that_is_said(self):
        made(self.folder, ("maps",))
        matrix, _ = self.filled(CLASSIFIED)
        for name in ("FCD", "KCD", "Acc"):
            self.assertIsNone(matrix.value(name, "maps", "maps"))
        self.assertIn("FCD, KCD, Acc of maps: a classifier needs two tasks to tell apart", self.table)

    def test_the_classifier_knows_tasks_that_are_to_come(self):
        made(self.folder, ("maps",))
        facts = Run(self.folder).bank.slice(0).facts
        matrix, _ = self.filled(CLASSIFIED, coming={"facades": recorded_data("facades", facts)})
        self.assertIsNotNone(matrix.value("Acc", "maps", "maps"))

    def test_a_copy_belongs_to_the_class_of_the_task_that_it_copies(self):
        made(self.folder, TASKS[:2])
        bank = Run(self.folder).bank
        learnt(bank, "maps-small", dataclasses.replace(bank.slice(1).facts, learnt_as="maps"), np.random.default_rng(2))

        def always_maps(folder, tasks):
            return TaskClassifier(tuple(tasks), COLOURS, np.zeros((6, 2)), np.array([0, 1]), {})

        matrix, _ = self.filled(dataclasses.replace(ASKED, classifier_of=always_maps))
        found = [matrix.value("Acc", task, task) for task in ("facades", "maps", "maps-small")]
        self.assertEqual(found, [0, 1, 1])

    def test_both_ways_without_pairs(self):
        made(self.folder, ("photo2monet",), objective=CycleGAN(), method="full")
        matrix, _ = self.filled()
        self.assertEqual(
            list(matrix.values),
            ["FD-6", "KD-6", "Acc", "FD-6-backward", "KD-6-backward", "FD-6-untouched"],
        )  # No L1: no pairs.
        with open(os.path.join(self.folder, "evaluation", "matrix.json")) as file:
            figures = {figure["name"]: figure for figure in json.load(file)["figures"]}
        hashes = [figures["FD-6"]["generated"]["sha256"], figures["FD-6-backward"]["real"]["sha256"]]
        self.assertEqual(hashes[0], hashes[1])
        self.assertNotEqual(hashes[0], figures["FD-6"]["real"]["sha256"])
        self.assertEqual(figures["FD-6-backward"]["real"]["n"], TESTS)
        untouched = figures["FD-6-untouched"]
        self.assertEqual(untouched["generated"]["sha256"], hashes[0])
        self.assertEqual(untouched["real"], figures["FD-6"]["real"])
        pairs = [drawn.draw("photo2monet", DRAWN_TEST + number, SIZE[0], 3) for number in range(TESTS)]
        expected = frechet_distance(*(colours(np.stack(side)) for side in zip(*pairs)))
        self.assertAllClose(untouched["value"], expected, rtol=1e-4)

    def test_a_slice_of_format_1_recorded_no_images(self):
        shutil.copytree(FORMAT_1, self.folder)
        matrix, measured = self.filled()
        self.assertEqual(measured, ["maps", "facades"])
        expected = l1(by_hand("maps", Run(self.folder).at(0).networks["forward"], seed=0, tests=DRAWN_TESTS))
        self.assertAllClose(matrix.value("L1", "maps", "facades"), expected, atol=1e-4)


class GoingOnTest(MeasuredTest):
    def test_killed_in_the_middle_it_goes_on_where_it_stopped(self):
        self.copied("finetune", measured=False)
        original, calls = TaskEvaluator.figures, []

        def killed(evaluator, *args):
            calls.append(args[0])
            if len(calls) == 2:
                raise KeyboardInterrupt
            return original(evaluator, *args)

        with mock.patch.object(TaskEvaluator, "figures", killed), self.assertRaises(KeyboardInterrupt):
            self.evaluation().measure()
        with open(os.path.join(self.folder, "evaluation", "matrix.json")) as file:
            self.assertLen(json.load(file)["figures"], 7)
        matrix, measured = self.filled()
        self.assertEqual(measured, ["facades", "maps"])
        self.assertEqual(matrix, once("finetune")[1].matrix)

    def test_another_question_is_measured_anew_and_the_first_is_still_known(self):
        self.copied()
        less, measured = self.filled(dataclasses.replace(ASKED, limit=2))
        self.assertEqual(measured, ["facades", "maps"])
        first = once()[1].matrix
        self.assertNotEqual(first.values["L1"], less.values["L1"])
        self.assertEqual(self.filled(), (first, []))
        other = dataclasses.replace(COLOURS, sha256="d" * 64)
        self.assertLen(self.filled(dataclasses.replace(ASKED, extractor=other), ("maps",))[1], 1)
        self.assertEqual(
            self.said,
            [
                "FD-6, KD-6, FD-6-untouched: measured by colours (dddddddd), before by colours (cccccccc); "
                "not comparable with the values before"
            ],
        )
        self.assertIn("measured by colours (dddddddd)", self.table)

    def test_a_run_that_learnt_more_has_room_for_it(self):
        made(self.folder, TASKS[:1])
        shorter, _ = self.filled()
        more = os.path.join(self.place, "more")
        shutil.copytree(once()[0].name, more)
        shutil.copytree(os.path.join(self.folder, "evaluation"), os.path.join(more, "evaluation"), dirs_exist_ok=True)
        self.folder = more
        matrix, _ = self.filled()
        self.assertEqual(matrix, once()[1].matrix)
        self.assertEqual(shorter.values["L1"][0][0], matrix.values["L1"][0][1])

    def test_some_tasks_only(self):
        self.copied(measured=False)
        matrix, measured = self.filled(tasks=("maps",))
        self.assertEqual(measured, ["maps"])
        self.assertIsNone(matrix.value("L1", "facades", "facades"))
        self.assertIsNotNone(matrix.value("L1", "maps", "maps"))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "evaluation", "02-maps.txt")))
        matrix, measured = self.filled()
        self.assertEqual(measured, ["facades"])
        with open(os.path.join(self.folder, "evaluation", "02-maps.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), self.table)


class ArtefactsTest(MeasuredTest):
    def test_beside_every_figure_stands_what_it_depends_on(self):
        temporary, evaluation, _ = once()
        folder = os.path.join(temporary.name, "evaluation")
        with open(os.path.join(folder, "matrix.json")) as file:
            figures = json.load(file)["figures"]
        self.assertLen(figures, 3 * 7)
        (fd,) = [f for f in figures if (f["task"], f["after"], f["name"]) == ("facades", "maps", "FD-6")]
        self.assertEqual(fd["value"], evaluation.matrix.value("FD-6", "facades", "maps"))
        self.assertEqual((fd["generated"]["n"], fd["generated"]["split"]), (TESTS, "drawn test"))
        self.assertEqual((fd["extractor"]["sha256"], fd["extractor"]["resize"]), ("c" * 64, "none"))
        with open(os.path.join(folder, "matrix.csv")) as file:
            rows = list(csv.DictReader(file))
        (row,) = [r for r in rows if (r["metric"], r["task"], r["after"]) == ("FD-6", "facades", "maps")]
        self.assertEqual(float(row["value"]), fd["value"])
        self.assertEqual((row["n"], row["split"], row["extractor"]), ("3", "drawn test", "c" * 64))
        self.assertEqual((row["images"], row["slice"]), (fd["generated"]["sha256"], evaluation.matrix.slices[0]))

    def test_tensorboard_has_a_point_for_each_time_once(self):
        self.copied()
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


@functools.cache
def with_files():
    """DATA/{ab,c} and RUN, measured, for tests to copy."""
    temporary = tempfile.TemporaryDirectory()
    for task in ("ab", "c"):
        pairs_folder(os.path.join(temporary.name, "data"), task, train=3, test=4)
    made(os.path.join(temporary.name, "run"), ("ab", "c"), data=os.path.join(temporary.name, "data"))
    evaluation = RunEvaluation(Run(os.path.join(temporary.name, "run")), ASKED)
    evaluation.measure()
    return temporary, evaluation


class DataTest(EvaluationTest):
    def setUp(self):
        super().setUp()
        temporary, self.first = with_files()
        shutil.copytree(temporary.name, self.place, dirs_exist_ok=True)
        self.data = os.path.join(self.place, "data")
        self.asked = dataclasses.replace(ASKED, data_dir=self.data)

    def test_files_are_found_where_they_lay_and_where_they_lie_now(self):
        self.assertEqual(self.filled(self.asked), (self.first.matrix, []))
        self.assertEmpty(self.said)
        with self.assertRaisesRegex(FileNotFoundError, "data_dir"):
            self.evaluation(dataclasses.replace(ASKED, data_dir=self.folder))

    def test_the_input_is_the_half_that_the_direction_says(self):
        whole = np.asarray(Image.open(os.path.join(self.data, "ab", "test", "1.png")))
        left, right = (
            np.asarray(Image.fromarray(half).resize((16, 16), Image.Resampling.BICUBIC))
            for half in np.split(whole, 2, 1)
        )
        facts = Run(self.folder).bank.slice(0).facts
        for direction, expected in (("AtoB", (left, right)), ("BtoA", (right, left))):
            data = recorded_data("ab", dataclasses.replace(facts, direction=direction), self.data)
            inputs, targets = sides(data, "test", flipped=direction == "BtoA")
            self.assertAllEqual([inputs.images()[1], targets.images()[1]], expected)
            self.assertEqual(inputs.image_set.part, "left half" if direction == "AtoB" else "right half")
            self.assertEqual((inputs.image_set.split, len(inputs)), ("test", 4))

    def test_changed_images_are_told_and_noted(self):
        os.unlink(os.path.join(self.data, "ab", "test", "3.png"))
        Image.fromarray(np.zeros((20, 40, 3), "uint8")).save(os.path.join(self.data, "c", "train", "0.png"))
        self.filled(self.asked, ("ab",))
        self.assertLen(self.said, 2)
        self.assertIn("ab: its images have changed since it was learned: test: 4 images then, 3 now", self.said[0])
        self.assertIn("c: its images have changed", self.said[1])
        self.assertIn("train: 3 images then and now, of other names or sizes", self.said[1])
        self.assertIn("of ab: changed since it was learned: test: 4 images then, 3 now", self.table)

    def test_images_of_a_split_that_is_gone_are_told(self):
        facts = Run(self.folder).bank.slice(0).facts
        unpaired = dataclasses.replace(facts, images={**facts.images, "trainA": {"count": 7}})
        data = recorded_data("ab", facts, self.data)
        self.assertEqual(changes(facts, data), [])
        self.assertEqual(changes(unpaired, data), ["trainA: 7 images then, 0 now"])

    def test_what_was_left_out_as_unreadable_stays_out(self):
        with open(os.path.join(self.data, "ab", "test", "1.png"), "wb") as file:
            file.write(b"broken")
        with self.assertRaisesRegex(ValueError, "Received: .*1.png"):
            self.filled(self.asked)
        facts = Run(self.folder).bank.slice(0).facts
        images = {**facts.images, "test": {**facts.images["test"], "left_out": ["1.png"]}}
        data = recorded_data("ab", dataclasses.replace(facts, images=images), self.data)
        inputs, targets = sides(data, "test")
        kept = [Image.open(os.path.join(self.data, "ab", "test", f"{number}.png")) for number in (0, 2, 3)]
        self.assertAllEqual(
            targets.images(),
            [np.asarray(x.crop((20, 0, 40, 20)).resize((16, 16), Image.Resampling.BICUBIC)) for x in kept],
        )
        self.assertLen(inputs, 3)

    def test_without_a_test_split_training_images_are_taken_only_if_told(self):
        shutil.rmtree(os.path.join(self.data, "c", "test"))
        with self.assertRaisesRegex(ValueError, "does not learn from.*--split=train.* Received: neither for c"):
            self.filled(self.asked)
        matrix, measured = self.filled(dataclasses.replace(self.asked, split="train"), ("c",))
        self.assertEqual(measured, ["c"])
        self.assertIsNotNone(matrix.value("L1", "c", "c"))
        with open(os.path.join(self.folder, "evaluation", "matrix.json")) as file:
            self.assertEqual({figure["generated"]["split"] for figure in json.load(file)["figures"]}, {"train"})

    def test_an_empty_split_is_refused(self):
        shutil.rmtree(os.path.join(self.data, "ab", "test"))
        os.makedirs(os.path.join(self.data, "ab", "test"))
        with self.assertRaisesRegex(FileNotFoundError, "A split must hold images.*ab/test"):
            self.evaluation(self.asked)

    def test_fewer_images_than_asked_for_are_refused(self):
        with self.assertRaisesRegex(ValueError, "equal n.* Received: --limit=5, where test of ab has 4"):
            self.filled(dataclasses.replace(self.asked, limit=5))

    def test_one_image_has_no_distance(self):
        matrix, _ = self.filled(dataclasses.replace(self.asked, limit=1), ("c",))
        self.assertIsNone(matrix.value("FD-6", "c", "c"))
        self.assertIsNotNone(matrix.value("L1", "c", "c"))
        self.assertIn("a distance needs two images a side", self.table)


class RefusedTest(MeasuredTest):
    def test_a_matrix_of_another_run_in_the_folder(self):
        self.copied()
        other = tiny_run(os.path.join(self.place, "other"), size=SIZE)
        shutil.copytree(os.path.join(self.folder, "evaluation"), os.path.join(other, "evaluation"))
        path = os.path.join(other, "evaluation", "matrix.json")
        before = files.sha256_of(path)
        with self.assertRaisesRegex(ValueError, "to measure all again.*belongs to another run"):
            RunEvaluation(Run(other), ASKED)
        self.assertEqual(files.sha256_of(path), before)

    def test_an_edited_matrix_is_told_and_made_anew(self):
        self.copied()
        path = os.path.join(self.folder, "evaluation", "matrix.json")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        value = str(once()[1].matrix.values["L1"][0][0])
        files.write(path, text.replace(value, "0.001").encode())
        matrix, measured = self.filled()
        self.assertRegex(self.said[0], "matrix.json is not as it was written, and is made anew")
        self.assertEqual((matrix, measured), (once()[1].matrix, []))
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), text)

    def test_a_run_that_learnt_at_another_size(self):
        self.copied()
        with self.assertRaisesRegex(ValueError, "Received: 64x64, where .* learned at 16x16"):
            self.evaluation(dataclasses.replace(ASKED, size=(64, 64)))
        self.evaluation(dataclasses.replace(ASKED, size=(16, 16)))

    def test_a_slice_that_is_altered_though_its_figures_are_on_record(self):
        self.copied()
        flip_a_bit(os.path.join(self.folder, "tasks", "01-facades", "slice.safetensors"))
        with self.assertRaisesRegex(BankError, "its sha256 differs"):
            self.evaluation()

    def test_an_unknown_task_split_and_limit(self):
        self.copied()
        with self.assertRaisesRegex(ValueError, "one of facades, maps. Received: moon"):
            self.filled(tasks=("maps", "moon"))
        for bad in ({"split": "val"}, {"limit": -1}):
            with self.assertRaisesRegex(ValueError, "Received"):
                EvaluationConfig(**bad)

    def test_an_extractor_of_another_output(self):
        self.copied(measured=False)
        wrong = dataclasses.replace(COLOURS, dimensions=7)
        with self.assertRaisesRegex(ValueError, r"return 7 finite features per image. Received: \[3, 6\]"):
            self.filled(dataclasses.replace(ASKED, extractor=wrong))
        with self.assertRaisesRegex(ValueError, "SavedModel's folder or a TF-Hub handle. Received: /nowhere"):
            extractor_of("/nowhere")
        self.assertIsNone(extractor_of(""))


if __name__ == "__main__":
    tf.test.main()
