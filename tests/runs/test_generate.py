"""Generation with a learned task."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import methods
from pgtf.assembly import build
from pgtf.networks import Architecture
from pgtf.runs.generate import ImageGenerator, parsed_seeds, sheet


def generator():
    options = (("mapping_layers", 1), ("narrow_from", 4))
    shape = Architecture("stylegan2", (16, 16), width=1, norm="none", options=options)
    return ImageGenerator(build.generators(shape, methods.Full(), ("forward",), seed=3)["forward"])


class GenerateTest(tf.test.TestCase, parameterized.TestCase):
    def test_truncation_shrinks_styles_towards_the_average(self):
        made = generator()
        z = np.random.default_rng(0).normal(size=(20, 8)).astype("float32")
        full, half, none = (made.styles(z, share) for share in (1, 0.5, 0))
        self.assertAllClose(half - made.average, 0.5 * (full - made.average), atol=1e-6)
        self.assertAllClose(none, np.broadcast_to(made.average, none.shape), atol=1e-6)
        self.assertAllClose(full.mean(), made.average.mean(), atol=0.3)
        self.assertAllEqual(made(z), made.images(full))

    def test_between_starts_and_ends_at_seeds(self):
        made = generator()
        found, ends = made.between([3, 1, 2], 4), made.seeds([3, 1, 2])
        self.assertEqual(found.shape, (9, 16, 16, 3))
        self.assertAllEqual(found[[0, 4, 8]], ends)

    def test_latents_of_another_shape_are_refused(self):
        for wrong in (np.zeros([2, 9]), np.zeros([8]), np.full([1, 8], np.nan)):
            with self.assertRaisesRegex(ValueError, r"Latents must be finite numbers \[n, 8\]"):
                generator()(wrong)

    def test_seeds_are_numbers_and_ranges(self):
        self.assertEqual(parsed_seeds("1, 5,20-22"), [1, 5, 20, 21, 22])
        for wrong in ("", "a", "3-1", "-1", "0-999999"):
            with self.assertRaisesRegex(ValueError, "--seeds must be"):
                parsed_seeds(wrong)

    def test_a_sheet_has_rows_of_columns(self):
        images = np.arange(5 * 2 * 3 * 3, dtype="uint8").reshape(5, 2, 3, 3)
        found = sheet(images, 3)
        self.assertEqual(found.shape, (4, 9, 3))
        self.assertAllEqual(found[2:, 3:6], images[4])
        self.assertAllEqual(found[2:, 6:], np.full([2, 3, 3], 255))


if __name__ == "__main__":
    tf.test.main()
