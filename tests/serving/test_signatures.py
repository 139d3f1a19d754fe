"""Checks an exported network's signatures against Pillow and numpy."""

import io
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.data.rgb_images import rgb
from pgtf.serving.signatures import Signatures


class SignaturesTest(parameterized.TestCase):
    @parameterized.product(size=[(1, 1), (1, 40), (2, 5), (32, 64), (33, 31), (70, 3)], multiple=[4, 32])
    def test_small_images_are_mirrored_as_often_as_it_takes(self, size, multiple):
        seen = []

        def spy(images, training):
            seen.append(images)
            return -images

        image = np.random.default_rng(3).uniform(-1, 1, (2, *size, 3)).astype("float32")
        with mock.patch.object(tf, "function", lambda function, _: function):
            result = Signatures(spy, multiple).floats(tf.constant(image))["images"]
        np.testing.assert_array_equal(result, -image)
        up = [max(-(-side // multiple) * multiple, 16) - side for side in size]
        sides = [(lack // 2, lack - lack // 2) for lack in up]
        np.testing.assert_array_equal(seen[0], np.pad(image, [(0, 0), *sides, (0, 0)], "reflect"))

    @parameterized.product(mode=["RGB", "L"], subsampling=[0, 2])
    def test_photos_are_read_as_in_training(self, mode, subsampling):
        pixels = np.random.default_rng(5).integers(0, 256, (9, 7, 3), "uint8").repeat(4, 0).repeat(4, 1)
        file = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(file, "jpeg", subsampling=subsampling)
        self._reads(file, 0)

    @parameterized.parameters("RGB", "L", "RGBA", "LA", "P", "1", "I;16")
    def test_files_are_read_as_everywhere_in_pgtf(self, mode):
        pixels = np.random.default_rng(4).integers(0, 256, (9, 7, 4), "uint8")
        if mode == "I;16":
            image = Image.fromarray(pixels[..., 0].astype("uint16") * 257)
        else:
            image = Image.fromarray(pixels[..., :2] if mode == "LA" else pixels, "LA" if mode == "LA" else "RGBA")
            image = image.convert(mode)
        file = io.BytesIO()
        image.save(file, "png")
        self._reads(file, 1)  # Blending with white rounds.

    def _reads(self, file, tolerance):
        asked = tf.constant([file.getvalue()])
        result = Signatures(lambda images, training: images, 1).encoded(asked)["image_bytes"][0].numpy()
        result = np.asarray(Image.open(io.BytesIO(result))).astype(int)
        self.assertLessEqual(np.abs(result - rgb(Image.open(file))).max(), tolerance)

    def test_every_level_comes_back(self):
        levels = np.arange(256, dtype="uint8").repeat(3).reshape(1, 16, 16, 3)
        result = Signatures(lambda images, training: images, 1).images(tf.constant(levels))["images"]
        np.testing.assert_array_equal(result, levels)


if __name__ == "__main__":
    absltest.main()
