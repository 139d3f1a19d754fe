"""Images of any size to labels and probabilities, from Python and from the command line; exports answer the same."""

import csv
import dataclasses
import functools
import io
import json
import os
import pathlib
import tempfile

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import pgtf
from pgtf.cli.classify import ARGUMENTS, REPEATED, _lines
from pgtf.cli.main import as_flags
from pgtf.data.rgb_images import read, resized, to_float
from pgtf.runs.classify import Guess, classify_files, image_files
from pgtf.runs.shared_body import body_of, shared_bodies
from pgtf.serving.combined import export_combined
from pgtf.serving.export import export
from pgtf.serving.saved_model import SavedModel
from pgtf.serving.tflite import TFLite
from pgtf.storage.values import HeldValues
from pgtf.studio.answers import Answers
from tests.processes import Script
from tests.tiny import tiny_run

ROOT = pathlib.Path(__file__).parent.parent.parent
DRAW = np.random.default_rng(0)


@functools.cache
def folder():
    """A run of two tasks as if learned, and images of several kinds."""
    place = tempfile.mkdtemp()
    tiny_run(os.path.join(place, "run"), ("shapes", "textures"), "resnet18", "classification", method="mask")
    os.makedirs(os.path.join(place, "in", "more"))
    Image.fromarray(DRAW.integers(0, 256, (30, 20, 3), "uint8")).save(os.path.join(place, "in", "a.png"))
    Image.fromarray(DRAW.integers(0, 256, (9, 9), "uint8")).save(os.path.join(place, "in", "more", "gray.png"))
    Image.fromarray(DRAW.integers(0, 256, (8, 8, 4), "uint8")).save(os.path.join(place, "in", "more", "clear.png"))
    return place


def by_hand(task, path):
    """Softmax of the scores of the network itself."""
    image = to_float(resized(read(path), *task.facts.architecture.size))[None]
    scores = np.asarray(task.rebuilt()["forward"](image, training=False))[0].astype("float64")
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


class ClassifyTest(tf.test.TestCase):
    def test_probabilities_are_those_of_the_network(self):
        run, paths = pgtf.load(f"{folder()}/run"), image_files([f"{folder()}/in"])
        self.assertEqual([os.path.relpath(path, folder()) for path in paths], [
            "in/a.png", "in/more/clear.png", "in/more/gray.png",
        ])  # fmt: skip
        guesses = list(classify_files(run, ["shapes", "textures"], paths, 6, self.fail))
        self.assertEqual([(guess.image, guess.task) for guess in guesses], [(p, t) for p in paths for t in run.names])
        for guess in guesses:
            found = dict(guess.classes)
            self.assertEqual([p for _, p in guess.classes], sorted(found.values(), reverse=True))
            self.assertAllClose([found[label] for label in "abcdef"], by_hand(run[guess.task], guess.image), atol=1e-6)

    def test_one_pass_serves_tasks_that_differ_in_the_last_layer_alone(self):
        image, names = DRAW.integers(0, 256, (9, 9, 3), "uint8"), ("shapes", "textures")
        # With finetune the latest task's layers answer for all, each with its own last one.
        run = pgtf.load(tiny_run(tempfile.mkdtemp(), names, "resnet18", "classification", method="finetune"))
        (body,) = shared_bodies({name: run[name] for name in names})
        found = body([image])
        self.assertCountEqual(found, names)
        for name, each in found.items():
            self.assertAllClose(each, run[name].classifier([image]), atol=1e-6)
        self.assertNotAllClose(found["shapes"], found["textures"])

    def test_tasks_with_other_norms_or_masks_share_no_pass(self):
        run = pgtf.load(f"{folder()}/run")
        self.assertEmpty(shared_bodies({name: run[name] for name in run.names}))
        task = run["textures"]
        values = {**task.slice.values, "forward/scores/bias": np.zeros(6, "float32")}
        other_head = dataclasses.replace(task, slice=dataclasses.replace(task.slice, values=HeldValues(values)))
        self.assertEqual(body_of(task), body_of(other_head))
        values["forward/stem_norm/beta"] = values["forward/stem_norm/beta"] + np.float32(1e-3)
        other_norm = dataclasses.replace(task, slice=dataclasses.replace(task.slice, values=HeldValues(values)))
        self.assertNotEqual(body_of(task), body_of(other_norm))

    def test_an_image_that_cannot_be_read_is_told_and_left_out(self):
        broken, told = os.path.join(tempfile.mkdtemp(), "broken.png"), []
        with open(broken, "wb") as file:
            file.write(b"broken")
        run = pgtf.load(f"{folder()}/run")
        guesses = list(classify_files(run, ["shapes"], [broken, f"{folder()}/in/a.png"], 1, told.append))
        self.assertEqual([os.path.basename(guess.image) for guess in guesses], ["a.png"])
        self.assertIn("broken.png", str(told[0]))

    def test_what_is_no_image_is_refused(self):
        with self.assertRaisesRegex(FileNotFoundError, "does not exist.*nothing"):
            image_files(["nothing"])
        with self.assertRaisesRegex(ValueError, "must hold images"):
            image_files([tempfile.mkdtemp()])

    def test_tasks_of_images_and_of_scores_say_what_they_are(self):
        task = pgtf.load(f"{folder()}/run")["shapes"]
        with self.assertRaisesRegex(
            ValueError, "can translate. Use `pgtf classify`. Received: 'shapes', --objective=cl"
        ):
            task.translator()
        with self.assertRaisesRegex(ValueError, "with `pgtf classify`. Received: shapes, textures in "):
            Answers(pgtf.load(f"{folder()}/run"))
        images = pgtf.load(tiny_run(tempfile.mkdtemp(), ("maps",)))["maps"]
        with self.assertRaisesRegex(
            ValueError, "Only tasks of classification can classify. Received: 'maps', .*pix2pix"
        ):
            images.classifier  # noqa: B018

    def test_arguments_without_names(self):
        self.assertEqual(
            as_flags(["run", "task", "1.png", "2.png", "--top=2"], ARGUMENTS, REPEATED),
            ["--run_dir=run", "--task=task", "--input=1.png", "--input=2.png", "--top=2"],
        )

    def test_the_command(self):
        flags = "--all", f"--input={folder()}/in", "--format=json", f"--output={folder()}/out.json"
        command = Script(ROOT / "scripts" / "classify.py", f"--run_dir={folder()}/run", *flags)
        said, errors = command.communicate()
        self.assertEqual((command.returncode, said), (0, ""), errors)
        with open(f"{folder()}/out.json") as file:
            answers = json.load(file)
        self.assertEqual([answer["task"] for answer in answers], ["shapes", "textures"] * 3)
        self.assertLen(answers[0]["classes"], 1)

    def test_forms_of_answers(self):
        guess = Guess("a,\x1b.png", "shapes", (("cat", 0.75), ("dog", 0.25)))
        self.assertEqual("".join(_lines([guess], "text")), "a,\\x1b.png  shapes: cat 75.0%, dog 25.0%\n")
        rows = list(csv.reader(io.StringIO("".join(_lines([guess], "csv")))))
        self.assertEqual(
            rows[1:], [["a,\x1b.png", "shapes", "1", "cat", "0.750000"], [*rows[2][:2], "2", "dog", "0.250000"]]
        )


@functools.cache
def exported():
    """A folder with a task in two formats."""
    place = tempfile.mkdtemp()
    export(pgtf.load(f"{folder()}/run"), place, [SavedModel(), TFLite()], ["textures"])
    return place


class ExportTest(tf.test.TestCase):
    def test_exports_score_as_the_task_does_and_name_the_classes(self):
        run, place = pgtf.load(f"{folder()}/run"), exported()
        with open(f"{place}/textures/1/assets/labels.txt") as file:
            self.assertEqual(file.read().split(), list("abcdef"))
        ask = tf.saved_model.load(f"{place}/textures/1").signatures
        path = f"{folder()}/in/a.png"
        for name, given in (
            ("serving_default", dict(images=tf.constant(read(path)[None]))),
            ("encoded", dict(image_bytes=tf.constant([pathlib.Path(path).read_bytes()] * 2))),
        ):
            answer = ask[name](**given)
            self.assertAllClose(answer["probabilities"], tf.nn.softmax(answer["scores"]))
            # TensorFlow resizes otherwise than Pillow.
            self.assertAllClose(answer["probabilities"][-1], by_hand(run["textures"], path), atol=0.1)
        self.assertTrue(os.path.exists(f"{place}/textures.tflite"))

    def test_other_scores_are_found(self):
        path, probes = f"{exported()}/textures/1", pgtf.load(f"{folder()}/run")["textures"].probes
        images, scores = probes.inputs["forward"], probes.outputs["forward"].copy()
        self.assertLess(SavedModel().difference(path, images, scores), 1e-4)
        scores[1, 4] += 0.01 * np.abs(scores).max()
        self.assertGreater(SavedModel().difference(path, images, scores), 1e-3)

    @pytest.mark.long
    def test_combined_ones_answer_as_each_does_with_as_many_classes(self):
        place = tempfile.mkdtemp()
        tiny_run(place, ("shapes", "textures"), "resnet18", "classification", method="finetune")
        run = pgtf.load(place)
        path = export_combined(run, tempfile.mkdtemp())
        ask = tf.saved_model.load(path).signatures
        for name in run.names:
            with open(f"{path}/assets/{name}.txt") as file:
                self.assertEqual(tuple(file.read().split()), run[name].facts.objective.labels)
            images = run[name].probes.inputs["forward"]
            answer = ask["serving_default"](images=tf.constant(images), task=tf.constant(name))
            self.assertAllClose(answer["probabilities"], run[name].classifier(list(images)), atol=1e-4)
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "must be one of shapes, textures"):
            ask["serving_default"](images=tf.constant(images), task=tf.constant("digits"))

    def test_what_classifiers_have_not_is_refused(self):
        run = pgtf.load(f"{folder()}/run")
        with self.assertRaisesRegex(ValueError, "has the size of training.*16x16 instead of 8x8"):
            export(run, tempfile.mkdtemp(), [TFLite((16, 16))], ["shapes"])


if __name__ == "__main__":
    tf.test.main()
