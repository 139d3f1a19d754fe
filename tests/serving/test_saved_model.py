"""Each signature of a SavedModel counts in its difference."""

import os
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

from pgtf.serving import signatures
from pgtf.serving.saved_model import SavedModel, write_saved_model

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 16, 20, 3), "uint8")
NEGATIVE = (1 - IMAGES / 127.5).astype("float32")  # In [-1, 1].


class DifferenceTest(absltest.TestCase):
    def difference(self, expected=NEGATIVE):
        """Writes a SavedModel of the network -x, and returns its difference to `expected`."""
        network = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1, use_bias=False)])
        network.layers[0].set_weights([-np.eye(3, dtype="float32")[None, None]])
        path = os.path.join(self.create_tempdir().full_path, "1")
        write_saved_model(network, 4, {}, path)
        return SavedModel().difference(path, IMAGES, expected)

    def test_none_but_for_rounding(self):
        self.assertLess(self.difference(), 1e-6)

    def test_of_floats(self):
        self.assertAlmostEqual(self.difference(NEGATIVE + np.float32(5e-4)), 5e-4, places=6)  # Far below a level.

    def test_of_one_place_in_one_image(self):
        expected = NEGATIVE.copy()
        expected[1, 3, 7, 2] -= 0.5
        self.assertAlmostEqual(self.difference(expected), 0.5, places=6)

    def test_of_levels_that_are_not_the_nearest(self):
        with mock.patch.object(tf, "round", lambda levels: tf.floor(levels - 0.25)):
            self.assertAlmostEqual(self.difference(), 1 / 255, places=6)  # A level, of which half is allowed.

    def test_of_files_that_are_read_otherwise(self):
        decoded = signatures._decoded
        with mock.patch.object(signatures, "_decoded", lambda content: decoded(content)[:, ::-1]):
            self.assertGreater(self.difference(), 0.5)


if __name__ == "__main__":
    absltest.main()
