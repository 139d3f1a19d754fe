"""Palettes of made label images, and scores worked out by hand."""

import io

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.metrics import label_recovery
from pgtf.metrics.label_recovery import classes, palette, recovery

COLOURS = np.array([[0, 0, 170], [255, 0, 0], [0, 85, 255], [255, 255, 0]], "uint8")


def blocks(colours, counts=(6, 5, 3, 2), size=12):
    """Label image [4 × size, 4 × size, 3]: so many squares of each colour, in order."""
    places = np.repeat(np.arange(len(counts)), counts).reshape([4, 4])
    return np.array(colours, "uint8")[places].repeat(size, axis=0).repeat(size, axis=1)


def as_jpeg(image, quality=75):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


class PaletteTest(absltest.TestCase):
    def test_of_exact_colours_is_these_by_frequency(self):
        np.testing.assert_array_equal(palette(blocks(COLOURS)[None]), COLOURS)
        np.testing.assert_array_equal(palette(blocks(COLOURS[::-1])[None]), COLOURS[::-1])

    def test_of_jpegs_holds_no_mixtures(self):
        found = palette(np.stack([as_jpeg(blocks(COLOURS)), as_jpeg(blocks(COLOURS).transpose(1, 0, 2))]))
        self.assertLen(found, 4)
        np.testing.assert_allclose(found.astype(int), COLOURS.astype(int), atol=8)

    def test_near_colours_are_one(self):
        near = np.array([[100, 100, 100], [200, 0, 0], [110, 100, 90], [150, 100, 100]], "uint8")
        found = palette(blocks(near, (5, 5, 4, 2))[None])
        # Of one colour is what is nearer than 32; the share of both counts.
        np.testing.assert_array_equal(found, near[[0, 1, 3]])

    def test_rare_colours_and_those_after_the_24th_are_left_out(self):
        image = np.zeros([100, 100, 3], "uint8")
        image[:5, :5] = 255  # Flat within: 9 of 9,604 pixels, less than 0.1 %.
        image[50:] = [255, 0, 0]
        self.assertLen(palette(image[None]), 2)
        many = np.array([[64 * r, 64 * g, 64 * b] for r in range(4) for g in range(4) for b in range(4)], "uint8")
        wide = many[np.arange(64).reshape(8, 8)].repeat(12, axis=0).repeat(12, axis=1)
        self.assertLen(palette(wide[None]), 24)

    def test_many_images_are_read_at_even_steps(self):
        images = np.repeat(blocks(COLOURS[:2], (8, 8), 4)[None], 2 * label_recovery.READ, axis=0)
        images[1::2] = blocks(COLOURS[2:], (8, 8), 4)
        np.testing.assert_array_equal(palette(images), COLOURS[:2])

    def test_of_noise_is_refused(self):
        noise = np.random.default_rng(0).integers(256, size=(2, 32, 32, 3)).astype("uint8")
        with self.assertRaisesRegex(ValueError, "at least two flat colours. Received: 0"):
            palette(noise)


class ClassesTest(absltest.TestCase):
    def test_is_the_nearest_colour_in_place(self):
        image = np.zeros([2, 3, 3], "uint8")
        image[0, 1], image[1, 2] = [240, 20, 10], [10, 90, 240]
        found = classes(image[None], COLOURS, (2, 3))
        np.testing.assert_array_equal(found, [[[0, 1, 0], [0, 0, 2]]])
        self.assertEqual(found.dtype, np.uint8)

    def test_a_smaller_size_mixes_no_colours(self):
        # The mean of yellow and dark blue is near neither.
        image = blocks(COLOURS[[0, 3]], (8, 8), 12)
        for size in ((8, 8), (4, 16), (48, 48)):
            found = classes(np.stack([image, image[::-1]]), COLOURS, size)
            half = size[0] // 2
            np.testing.assert_array_equal(found[0], np.repeat([[0], [3]], half, axis=0).repeat(size[1], axis=1))
            np.testing.assert_array_equal(found[1], found[0][::-1])


class RecoveryTest(absltest.TestCase):
    def test_by_hand(self):
        true = np.array([[[0, 0, 1, 1]], [[1, 1, 1, 1]]], "uint8")
        found = np.array([[[0, 1, 1, 2]], [[1, 1, 1, 1]]], "uint8")
        score = recovery(found, true, 4)
        np.testing.assert_array_equal(score.confusion, [[1, 1, 0, 0], [0, 5, 1, 0], [0] * 4, [0] * 4])
        np.testing.assert_array_equal(score.pixel_accuracy, [0.5, 1])
        self.assertEqual(score.accuracy, 0.75)
        # Class 0: 1 of 2; class 1: 5 of 7; class 2 is found but never true, class 3 neither.
        self.assertAlmostEqual(score.mean_iou, (1 / 2 + 5 / 7) / 2)

    def test_found_and_true_are_not_the_same(self):
        true, found = np.zeros([1, 2, 2], "uint8"), np.array([[[0, 0], [0, 1]]], "uint8")
        self.assertEqual(recovery(found, true, 2).mean_iou, 3 / 4)
        self.assertEqual(recovery(true, found, 2).mean_iou, (3 / 4 + 0) / 2)

    def test_other_shapes_are_refused(self):
        good = np.zeros([2, 3, 4], "uint8")
        for bad in (good.transpose(0, 2, 1), good[:1], good[0], good[:0]):
            with self.assertRaisesRegex(ValueError, r"same shape \[n, h, w\]. Received: "):
                recovery(bad, good if bad.ndim == 3 and len(bad) else bad, 2)


if __name__ == "__main__":
    absltest.main()
