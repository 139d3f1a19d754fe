"""The pack that comes with the package translates the images beside it."""

import os
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

import pgtf
from pgtf.data import drawn
from pgtf.foundation.packaged import PACKAGE

SAMPLES = pathlib.Path(PACKAGE, "samples")
INPUTS = {"facades": ("facade.png", 1_000_006), "maps": ("map.png", 1_000_000)}  # Drawn images that were not learned.


def distance(one, other):
    """Returns the mean absolute difference of two images."""
    return np.abs(one.astype(float) - other).mean()


class SamplesTest(tf.test.TestCase):
    def test_it_is_small_enough_for_the_repository(self):
        self.assertLessEqual(sum(os.path.getsize(path) for path in SAMPLES.iterdir()), 300_000)

    def test_the_pack_draws_nearer_to_the_targets_than_the_inputs_are(self):
        run = pgtf.load("samples/drawn.safetensors")
        self.assertEqual(run.names, list(INPUTS))
        for name, (file, index) in INPUTS.items():
            with self.subTest(name):
                given = np.asarray(Image.open(SAMPLES / file))
                drawing, target = drawn.draw(name, index, len(given))
                self.assertLess(distance(given, drawing), 2)  # NumPy 2 draws a map a little differently than NumPy 1.
                self.assertLess(distance(run[name](given), target), distance(given, target) / 2)


if __name__ == "__main__":
    tf.test.main()
