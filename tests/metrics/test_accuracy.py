import os

import numpy as np
import pytest
import tensorflow as tf

from pgtf.metrics import accuracy
from pgtf.metrics.accuracy import accuracy_figure, unclassified
from pgtf.metrics.activations import activations
from pgtf.metrics.frechet_kernel import distances
from pgtf.metrics.hashes import images_sha256
from pgtf.metrics.measurements import ImageSet

pytestmark = pytest.mark.usefixtures("step_by_step")

RNG = np.random.default_rng(0)
STEPS = 12


def coloured(colour, n=6, height=8, width=12):
    """Noise about a colour."""
    return np.clip(np.array(colour) + RNG.normal(0, 20, (n, height, width, 3)), 0, 255).astype("uint8")


# Not in the alphabet's order: labels follow the order of learning.
TRAIN = {"red": coloured((200, 30, 30)), "blue": coloured((30, 30, 200), n=9)}
HELD_OUT = {"red": coloured((200, 30, 30), height=10), "blue": coloured((30, 30, 200))}
SET = ImageSet("test", 4, (8, 12), "whole", "hash")


def classifier(folder, train, held_out, **settings):
    """The classifier of these images, which it is kept by."""
    facts = {
        task: [images_sha256(train[task]), images_sha256(held_out.get(task, images))] for task, images in train.items()
    }
    return accuracy.classifier(folder, facts, lambda: (train, held_out), **settings)


class ClassifierTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = os.path.join(cls.get_temp_dir(cls()), "classifiers")
        cls.found = classifier(cls.folder, TRAIN, HELD_OUT, steps=STEPS)

    def path(self):
        (name,) = os.listdir(self.folder)
        return os.path.join(self.folder, name)

    def test_learns_two_colours_and_says_so(self):
        self.assertEqual(self.found.tasks, ("red", "blue"))
        self.assertEqual(self.found.held_out_accuracy, {"red": 1.0, "blue": 1.0})

    def test_judges_by_what_an_image_is_like(self):
        mixed = np.concatenate([HELD_OUT["red"][:3, :8], HELD_OUT["blue"][:1]])
        self.assertAllEqual(self.found.labels(mixed), [0, 0, 0, 1])
        self.assertEqual(self.found.accuracy(mixed, "red"), 0.75)
        figure = accuracy_figure(self.found, "blue", mixed, SET)
        self.assertEqual((figure.name, figure.value, figure.generated), ("Acc", 0.25, SET))
        self.assertIn("red 100.0%, blue 100.0%", figure.notes[0])

    def test_for_the_same_images_it_is_kept_and_none_is_read(self):
        facts = {"red": 1, "blue": 2}
        folder = self.create_tempdir().full_path
        first = accuracy.classifier(folder, facts, lambda: (TRAIN, {**HELD_OUT, "red": HELD_OUT["blue"]}), steps=1)
        again = accuracy.classifier(folder, facts, self.fail, steps=1)
        self.assertEqual(again.extractor.facts, first.extractor.facts)
        self.assertAllEqual(again.extractor(HELD_OUT["red"]), first.extractor(HELD_OUT["red"]))
        self.assertEqual(again.held_out_accuracy, first.held_out_accuracy)
        self.assertEqual(sum(again.held_out_accuracy.values()), 1)  # The same images as both tasks'.

    def test_a_corrupt_file_is_learnt_anew(self):
        with open(self.path(), "rb") as file:
            whole = file.read()
        with open(self.path(), "wb") as file:
            file.write(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
        again = classifier(self.folder, TRAIN, HELD_OUT, steps=STEPS)
        self.assertAllClose(again.extractor(HELD_OUT["red"]), self.found.extractor(HELD_OUT["red"]), atol=1e-3)

    def test_other_images_order_steps_or_seed_are_another_one(self):
        folder = self.create_tempdir().full_path
        swapped = {"blue": TRAIN["blue"], "red": TRAIN["red"]}
        less = {**TRAIN, "red": TRAIN["red"][:5]}
        for train, settings in ((TRAIN, {}), (swapped, {}), (less, {}), (TRAIN, {"seed": 1}), (TRAIN, {"steps": 1})):
            classifier(folder, train, train, **{"steps": 0, **settings})
        self.assertLen(os.listdir(folder), 5)

    def test_its_features_measure_fcd(self):
        sets = [ImageSet("test", 6, images.shape[1:3], "whole", "hash") for images in HELD_OUT.values()]
        red, blue = (activations(self.found.extractor, x, s) for x, s in zip(HELD_OUT.values(), sets))
        figures = distances(red, blue)
        self.assertEqual(list(figures), ["FCD", "KCD"])
        self.assertGreater(figures["FCD"].value, 10 * distances(red, red)["FCD"].value)
        self.assertEqual(red.features.shape, (6, 64))
        self.assertEqual(figures["FCD"].extractor["resize"], "bilinear, with antialias, to 64 x 64")

    def test_learning_leaves_the_random_numbers_of_others_alone(self):
        draws = []
        for steps in (None, 1):
            tf.random.set_seed(3)
            np.random.seed(3)
            if steps:
                classifier(self.create_tempdir().full_path, TRAIN, HELD_OUT, steps=steps)
            draws.append((float(tf.random.uniform([])), np.random.uniform()))
        self.assertEqual(draws[0], draws[1])


class OneTaskTest(tf.test.TestCase):
    def test_has_no_classifier_so_no_accuracy_and_no_fcd(self):
        folder = self.create_tempdir().full_path
        found = accuracy.classifier(folder, {"red": 1}, self.fail)
        self.assertIsNone(found)
        self.assertEmpty(os.listdir(folder))
        figures = unclassified(SET)
        self.assertEqual(list(figures), ["Acc", "FCD", "KCD"])
        for name, figure in figures.items():
            self.assertEqual((figure.name, figure.value, figure.generated), (name, None, SET))
            self.assertIn("two tasks", figure.reason)


class BadInputTest(tf.test.TestCase):
    def test_is_refused(self):
        folder = self.create_tempdir().full_path
        facts = dict.fromkeys(TRAIN, 1)
        for bad in (TRAIN["red"][:0], TRAIN["red"][0], TRAIN["red"].astype("float32")):
            for given in (({**TRAIN, "red": bad}, HELD_OUT), (TRAIN, {**HELD_OUT, "red": bad})):
                with self.assertRaisesRegex(ValueError, "uint8.*Received: "):
                    accuracy.classifier(folder, facts, lambda given=given: given, steps=0)
        with self.assertRaisesRegex(ValueError, "held-out ones. Received: red, blue and blue, for red, blue"):
            accuracy.classifier(folder, facts, lambda: (TRAIN, {"blue": HELD_OUT["blue"]}), steps=0)
        found = classifier(folder, TRAIN, HELD_OUT, steps=0)
        with self.assertRaisesRegex(ValueError, "only red, blue. Received: 'green'"):
            found.accuracy(HELD_OUT["red"], "green")
        with self.assertRaisesRegex(ValueError, r"all 4 images of the set, of .*\(8, 12\). Received: 6 of \(8, 12\)"):
            accuracy_figure(found, "red", HELD_OUT["blue"], SET)


if __name__ == "__main__":
    tf.test.main()
