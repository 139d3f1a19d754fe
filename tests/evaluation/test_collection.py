"""Which images a task is measured on, and images through a network, many at once."""

import os
from unittest import mock

import numpy as np
import tensorflow as tf
from PIL import Image

from pgtf.data.finder import DRAWN_TEST, Finder
from pgtf.data.rgb_images import to_float, to_uint8
from pgtf.evaluation import task_evaluator
from pgtf.evaluation.collection import choice, sides
from pgtf.evaluation.generator import PIXELS, Generator
from pgtf.metrics.hashes import files_sha256, images_sha256


class ChoiceTest(tf.test.TestCase):
    def test_all_unless_limited(self):
        for limit in (0, 5, 9):
            self.assertEqual(list(choice(5, limit)), [0, 1, 2, 3, 4])

    def test_a_sorted_random_choice_that_larger_ones_contain(self):
        few, more = choice(1000, 20), choice(1000, 60)
        self.assertLen(set(few), 20)
        self.assertEqual(few, sorted(few))
        self.assertContainsSubset(few, more)
        self.assertGreater(max(more), 900)  # Not the first ones.
        self.assertEqual(few, choice(1000, 20))


class SidesTest(tf.test.TestCase):
    def test_drawn_images_are_known_by_their_pixels(self):
        data = Finder("", "pairs", (16, 16), (16, 16), seed=3, drawn_images=2)("maps")
        inputs, targets = sides(data, "test", limit=2)
        self.assertEqual((inputs.image_set.n, inputs.image_set.size), (2, (16, 16)))
        self.assertEqual(inputs.image_set.split, "drawn test")
        self.assertEqual(targets.image_set.sha256, images_sha256(targets.images()))
        self.assertNotEqual(inputs.image_set.sha256, targets.image_set.sha256)
        for index, place in enumerate(choice(20, 2)):
            self.assertAllEqual(inputs.images()[index], data.sources["test"][place][0])
            self.assertAllEqual(targets.images()[index], data.sources["test"][place][1])
        self.assertEqual(data.sources["test"].first, DRAWN_TEST)


class PairedFilesTest(tf.test.TestCase):
    def test_inputs_and_targets_are_known_by_their_own_files(self):
        folder = self.create_tempdir().full_path
        for place, level in (("trainA", 10), ("trainB", 50), ("testA", 20), ("testB", 60)):
            os.makedirs(os.path.join(folder, "t", place))
            for number in range(40 if place.startswith("train") else 3):
                image = Image.fromarray(np.full((8, 8, 3), level + number, "uint8"))
                image.save(os.path.join(folder, "t", place, f"{number}.png"))
        for flipped, (first, second) in ((False, "AB"), (True, "BA")):
            data = Finder(folder, "pairs", (8, 8), (8, 8), validation=0.1)("t", flipped)
            inputs, targets = sides(data, "test", flipped=flipped)
            self.assertEqual(
                (inputs.image_set.split, inputs.image_set.part), ("testA", "target" if flipped else "input")
            )
            for side, place in ((inputs, first), (targets, second)):
                files = [os.path.join(folder, "t", f"test{place}", f"{number}.png") for number in range(3)]
                self.assertEqual(side.image_set.sha256, files_sha256(files))
                self.assertEqual(side.images()[0, 0, 0, 0], {"A": 20, "B": 60}[place])
            self.assertEqual(sides(data, "validation")[0].image_set.split, "validation")


class HeldOutTest(tf.test.TestCase):
    def test_the_classifier_never_learns_from_what_it_is_judged_by(self):
        data = Finder("", "pairs", (16, 16), (16, 16), drawn_images=9)("maps")
        train, held_out = task_evaluator._parts(data)
        self.assertEqual((len(train), len(held_out)), (9, 20))
        with mock.patch.object(task_evaluator, "has_test", lambda data: False):
            train, held_out = task_evaluator._parts(data)
        self.assertEqual((list(train.indices), list(held_out.indices)), ([1, 2, 3, 4, 6, 7, 8], [0, 5]))
        self.assertIs(train.source, held_out.source)

    def test_nor_from_test_images_where_some_are_held_out_for_validation(self):
        data = Finder("", "pairs", (16, 16), (16, 16), drawn_images=9, validation=0.2)("maps")
        train, held_out = task_evaluator._parts(data)
        self.assertEqual((len(train), len(held_out)), (9, 2))
        self.assertIs(held_out.source.source, data.sources["validation"])


class GeneratorTest(tf.test.TestCase):
    def test_makes_of_each_image_what_the_network_makes_of_it_alone(self):
        size = (64, 32)
        images = np.random.default_rng(0).integers(0, 256, (2 * PIXELS // (64 * 32) + 3, *size, 3), dtype="uint8")
        kernel = tf.constant(np.random.default_rng(1).normal(size=(3, 3, 3, 3)), tf.float32)
        seen = []

        def network(x, training):
            seen.append((list(x.shape), training))
            return tf.tanh(tf.nn.conv2d(x, kernel, 1, "SAME"))

        made = Generator(network, size)(iter(images))
        self.assertEqual(seen, [([None, *size, 3], False)])  # Traced once, whatever the last batch's size.
        for index in (0, 1, 63, 64, 65, len(images) - 1):
            alone = to_uint8(network(to_float(images[index])[None], False)[0])
            self.assertLessEqual(np.abs(made[index].astype(int) - alone).max(), 1)
        self.assertEqual(made.dtype, np.uint8)
        self.assertLen(made, len(images))

    def test_networks_one_after_the_other_are_nothing_to_warn_of(self):
        with self.assertLogs(tf.get_logger(), "WARNING") as logs:
            for _ in range(6):
                Generator(lambda images, training: images, (8, 8))([np.zeros((8, 8, 3), "uint8")])
            tf.get_logger().warning("another")
        self.assertEqual([record.getMessage() for record in logs.records], ["another"])

    def test_batches_are_of_so_many_pixels(self):
        self.assertEqual(Generator(None, (64, 64)).batch_size, 32)
        self.assertEqual(Generator(None, (256, 256)).batch_size, 2)
        self.assertEqual(Generator(None, (1024, 1024)).batch_size, 1)


if __name__ == "__main__":
    tf.test.main()
