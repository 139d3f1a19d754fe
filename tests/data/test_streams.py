"""The stream: batches as a pure function of (seed, step)."""

import collections
import itertools
import os
import threading

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.data.sources import Labelled, Source
from pgtf.data.streams import Stream
from pgtf.foundation.errors import ImageError

HEIGHT, WIDTH = 6, 9


class Coordinates(Source):
    """Stacks whose pixels say where they are from: channels (index, row, column); image k adds 100 k to the index."""

    height, width = HEIGHT, WIDTH

    def __init__(self, count, images=1):
        self.count, self.images = count, images

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        return np.stack(
            [np.stack([np.full_like(rows, index + 100 * k), rows, columns], -1) for k in range(self.images)]
        ).astype("uint8")


def batches_of(stream, start, stop):
    """The batches of steps start, …, stop - 1."""
    return list(stream.dataset(start, stop).as_numpy_iterator())


def batches(stream, start, stop):
    """[(uint8 [b, h, w, 3], …), …] of steps start, …, stop - 1."""
    return [
        tuple(np.rint((part + 1) * 127.5).astype(int) for part in batch)
        for batch in stream.dataset(start, stop).as_numpy_iterator()
    ]


def indices(stream, steps):
    """The index of every image shown: [steps, b, entries]."""
    return np.array([[part[:, 0, 0, 0] for part in batch] for batch in batches(stream, 0, steps)]).transpose(0, 2, 1)


class PurityTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("pairs", [Coordinates(5, 2)], 1, False),
        ("pairs_in_batches", [Coordinates(5, 2)], 3, False),
        ("unpaired", [Coordinates(5), Coordinates(3)], 2, False),
        ("pairs_apart", [Coordinates(7), Coordinates(7)], 2, True),
    )
    def test_who_begins_later_sees_the_same(self, sources, batch_size, pairs_apart):
        def stream():
            return Stream(sources, 4, 5, seed=3, batch_size=batch_size, pairs_apart=pairs_apart)

        whole = list(stream().dataset(0, 9).as_numpy_iterator())
        self.assertLen(whole, 9)
        for start in (1, 4, 8):
            rest = list(stream().dataset(start, 9).as_numpy_iterator())
            self.assertLen(rest, 9 - start)
            for ours, theirs in zip(rest, whole[start:]):
                for a, b in zip(ours, theirs):
                    self.assertEqual(a.tobytes(), b.tobytes())

    def test_each_worker_sees_its_part_of_each_batch(self):
        """Two workers have two replicas each, whose parts follow one another."""
        stream = Stream([Coordinates(9, 2)], 4, 5, seed=3, batch_size=8)
        whole = list(stream.dataset(1, 3).as_numpy_iterator())
        for worker in range(2):
            parts = list(stream.dataset(1, 3, replicas=4, worker=worker, workers=2).as_numpy_iterator())
            self.assertLen(parts, 4)
            for place, part in enumerate(parts):
                step, rows = place // 2, slice(2 * (2 * worker + place % 2), 2 * (2 * worker + place % 2) + 2)
                for ours, all_of_them in zip(part, whole[step]):
                    self.assertAllEqual(ours, all_of_them[rows])

    def test_values_shapes_and_range(self):
        stream = Stream([Coordinates(2, 2)], 4, 5, batch_size=2)
        (batch,) = stream.dataset(0, 1).as_numpy_iterator()
        self.assertLen(batch, 2)
        for part in batch:
            self.assertEqual((part.shape, part.dtype), ((2, 4, 5, 3), np.float32))
        self.assertEqual([spec.shape for spec in stream.dataset(0, 1).element_spec], [(2, 4, 5, 3)] * 2)
        levels = Stream([Levels()], 1, 256, augment=False).dataset(0, 1).as_numpy_iterator()
        self.assertAllClose(next(levels)[0][0, 0, :, 0], np.linspace(-1, 1, 256), atol=1e-6)

    @parameterized.parameters(1, 2, 3)
    def test_every_image_once_a_pass_and_another_order_in_the_next(self, batch_size):
        count = 7
        stream = Stream([Coordinates(count, 2)], 4, 5, seed=1, batch_size=batch_size)
        shown = indices(stream, 2 * count).reshape(-1, 2)
        self.assertAllEqual(shown[:, 1], shown[:, 0] + 100)  # Both halves are of one file.
        passes = shown[:, 0].reshape(-1, count)
        for order in passes:
            self.assertCountEqual(order.tolist(), range(count))
        self.assertLen({tuple(order) for order in passes.tolist()}, len(passes))

    def test_orders_do_not_come_back(self):
        passes = indices(Stream([Coordinates(9)], 4, 5, batch_size=9), 300).reshape(300, 9)
        self.assertGreater(len({tuple(order) for order in passes.tolist()}), 290)  # Seeds 0, 1, … would give 256.
        places = np.mean(passes[..., None] == np.arange(9), axis=0)  # How often an image is at a place.
        self.assertAllClose(places, np.full((9, 9), 1 / 9), atol=5 * np.sqrt(1 / 9 * 8 / 9 / 300))

    def test_another_seed_is_another_order_and_another_crop(self):
        first, second = (batches(Stream([Coordinates(9)], 4, 5, seed=seed), 0, 9) for seed in (0, 1))
        self.assertNotEqual([b[0][0, 0, 0, 0] for b in first], [b[0][0, 0, 0, 0] for b in second])
        self.assertNotEqual([b[0][0, 0, 0, 1:].tolist() for b in first], [b[0][0, 0, 0, 1:].tolist() for b in second])

    @parameterized.parameters((7, 1, 7), (7, 2, 4), (6, 2, 3), (3, 3, 1))
    def test_steps_of_an_epoch_show_every_image(self, count, batch_size, steps):
        stream = Stream([Coordinates(count)], 4, 5, batch_size=batch_size)
        self.assertEqual(stream.steps_per_epoch, steps)
        self.assertLen(set(indices(stream, steps).ravel()), count)


class ParallelTest(tf.test.TestCase):
    def test_examples_are_decoded_at_once_and_stay_in_order(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("TensorFlow has as many threads as it may use processors")
        together = threading.Barrier(2)

        class Waiting(Coordinates):
            def __getitem__(self, index):
                together.wait(60)  # Breaks if no second thread comes.
                return super().__getitem__(index)

        one, other = (indices(Stream([kind(6)], HEIGHT, WIDTH), 6) for kind in (Coordinates, Waiting))
        np.testing.assert_array_equal(one, other)


class LabelsTest(tf.test.TestCase):
    def test_each_image_comes_with_its_label(self):
        source = Labelled(Coordinates(5), np.arange(5, dtype="float32")[:, None])
        for images, labels in batches_of(Stream([source], HEIGHT, WIDTH, batch_size=2, augment=False), 0, 5):
            self.assertAllClose(np.rint((images[:, 0, 0, :1] + 1) * 127.5), labels)

    def test_another_number_of_labels_is_refused(self):
        with self.assertRaisesRegex(ValueError, "must have a label. Received: 4 for 5 images"):
            Labelled(Coordinates(5), np.zeros(4))


class Levels(Coordinates):
    """One picture with all 256 levels in a row."""

    height, width, images = 1, 256, 1

    def __init__(self):
        super().__init__(1)

    def __getitem__(self, index):
        return np.broadcast_to(np.arange(256, dtype="uint8")[None, None, :, None], (1, 1, 256, 3))


class AugmentationTest(tf.test.TestCase, parameterized.TestCase):
    def test_both_halves_are_cropped_and_turned_alike_in_every_way(self):
        seen = collections.Counter()
        for image, target in batches(Stream([Coordinates(4, 2)], 4, 5, batch_size=4), 0, 60):
            self.assertAllEqual(image[..., 1:], target[..., 1:])
            for rows, columns in zip(image[..., 1], image[..., 2]):
                turned = columns[0, 0] > columns[0, -1]
                if turned:
                    columns = columns[:, ::-1]
                top, left = rows[0, 0], columns[0, 0]
                self.assertAllEqual(rows, np.mgrid[top : top + 4, left : left + 5][0])
                self.assertAllEqual(columns, np.mgrid[top : top + 4, left : left + 5][1])
                seen[top, left, turned] += 1
        # 3 x 5 places, both ways round, 240 draws: none is left out, none a favourite.
        self.assertLen(seen, 3 * 5 * 2)
        self.assertLess(max(seen.values()), 25)

    def test_images_that_are_no_pairs_are_cropped_each_by_itself(self):
        stream = Stream([Coordinates(9), Coordinates(9)], 4, 5)
        differ = [not np.array_equal(a[..., 1:], b[..., 1:]) for a, b in batches(stream, 0, 20)]
        self.assertGreater(sum(differ), 10)

    def test_each_pass_sees_an_image_in_another_way(self):
        ways = {b[0][0, ..., 1:].tobytes() for b in batches(Stream([Coordinates(1)], 4, 5), 0, 20)}
        self.assertGreater(len(ways), 10)

    def test_without_augmentation_the_middle(self):
        for (image,) in batches(Stream([Coordinates(3)], 4, 5, augment=False), 0, 6):
            self.assertAllEqual(image[0, ..., 1:], np.stack(np.mgrid[1:5, 2:7], -1))

    def test_nothing_to_crop(self):
        for (image,) in batches(Stream([Coordinates(3)], HEIGHT, WIDTH), 0, 6):
            self.assertAllEqual(image[0, :, 0, 1], np.arange(HEIGHT))


class UnpairedTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        (
            f"{count}_by_{batch_size}" + "_long" * ((count, batch_size) not in ((6, 1), (7, 2), (11, 3))),
            count,
            batch_size,
        )
        for count, batch_size in itertools.product((6, 7, 8, 11), (1, 2, 3))
    )
    def test_no_pair_ever_meets_and_every_image_is_seen_each_epoch(self, count, batch_size):
        stream = Stream([Coordinates(count), Coordinates(count)], 4, 5, seed=2, batch_size=batch_size, pairs_apart=True)
        epoch = stream.steps_per_epoch
        shown = indices(stream, 12 * epoch)
        for batch in shown:
            self.assertEmpty(set(batch[:, 0]) & set(batch[:, 1]), batch)
        for side in (0, 1):
            orders = shown[..., side].reshape(12, -1)
            for order in orders:
                self.assertCountEqual(set(order), range(count))
            self.assertGreater(len({tuple(order) for order in orders.tolist()}), 10)

    def test_whom_an_image_meets_changes(self):
        stream = Stream([Coordinates(9), Coordinates(9)], 4, 5, pairs_apart=True)
        shown = indices(stream, 20 * 9).reshape(-1, 2)
        for index in range(9):
            self.assertGreaterEqual(len(set(shown[shown[:, 0] == index, 1])), 6)

    @parameterized.parameters((1, 1), (3, 2), (5, 3))
    def test_too_few_images_to_keep_pairs_apart(self, count, batch_size):
        with self.assertRaisesRegex(
            ValueError, f"at least two images .* Received: {count} images, batch size {batch_size}"
        ):
            Stream([Coordinates(count)] * 2, 4, 5, batch_size=batch_size, pairs_apart=True)

    def test_too_few_images_for_a_batch(self):
        for counts in ((2,), (2, 5), (5, 2)):
            with self.assertRaisesRegex(ValueError, "at least one image for .* Received: 2 images, batch size 3"):
                Stream([Coordinates(count) for count in counts], 4, 5, batch_size=3)

    def test_folders_of_unequal_counts_are_walked_each_at_its_own_pace(self):
        stream = Stream([Coordinates(3), Coordinates(8)], 4, 5)
        self.assertEqual(stream.steps_per_epoch, 8)
        shown = indices(stream, 24).reshape(-1, 2)
        for side, count in ((0, 3), (1, 8)):
            for order in shown[:, side].reshape(-1, count):
                self.assertCountEqual(order.tolist(), range(count))
        equal = Stream([Coordinates(8), Coordinates(8)], 4, 5)
        shown = indices(equal, 24).reshape(-1, 2)
        self.assertNotAllEqual(shown[:, 0], shown[:, 1])  # Two orders, not one.


class FailureTest(tf.test.TestCase):
    def test_a_broken_image_is_known_as_what_it_is(self):
        class Broken(Coordinates):
            def __getitem__(self, index):
                if index == 2:
                    raise ImageError("number 2 is broken")
                return super().__getitem__(index)

        stream = Stream([Broken(4)], 4, 5)
        self.assertIsNone(stream.failure)
        with self.assertRaises(tf.errors.OpError):
            list(stream.dataset(0, 4))
        self.assertIsInstance(stream.failure, ImageError)
        self.assertEqual(str(stream.failure), "number 2 is broken")


if __name__ == "__main__":
    tf.test.main()
