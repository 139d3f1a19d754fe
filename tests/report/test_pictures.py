"""The pictures of a page: each in it once, and no larger than asked."""

import base64
import io
import json

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.report.pictures import Pictures, encoded
from tests.report.test_markup import Seen


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype="uint8")


def decoded(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


class PicturesTest(absltest.TestCase):
    def test_each_distinct_picture_once(self):
        pictures, picture = Pictures(256), noise(8, 12)
        other = picture.copy()
        other[0, 0, 0] ^= 1
        shown = [pictures.image(one, "text") for one in (picture, other, picture.copy(), picture.reshape(12, 8, 3))]
        names = [Seen(one).elements[0][1]["data-picture"] for one in shown]
        self.assertEqual(names, ["0", "1", "0", "2"])
        files = json.loads("".join(Seen(pictures.script()).texts))
        self.assertLen(files, 3)
        for name, one in zip(names, (picture, other, picture, picture.reshape(12, 8, 3))):
            np.testing.assert_array_equal(decoded(base64.b64decode(files[int(name)])), one)

    def test_what_an_image_says(self):
        ((tag, attributes),) = Seen(Pictures(256).image(noise(8, 12), 'a "b"', id="x")).elements
        wanted = {"data-picture": "0", "alt": 'a "b"', "width": "12", "height": "8", "class": "pixels", "id": "x"}
        self.assertEqual((tag, attributes), ("img", wanted))

    def test_a_large_one_is_made_smaller_and_keeps_its_shape(self):
        self.assertEqual(decoded(encoded(noise(300, 150), 100)).shape, (100, 50, 3))

    def test_flat_colours_stay_exact_and_photos_nearly(self):
        labels = np.kron(noise(4, 8) // 128 * 255, np.ones((50, 50, 1), "uint8"))
        np.testing.assert_array_equal(decoded(encoded(labels, 400)), labels)
        photo = np.asarray(Image.fromarray(noise(8, 8)).resize((300, 300), Image.Resampling.BICUBIC))
        content = encoded(photo, 300)
        self.assertLess(len(content), 12_000)
        self.assertLess(np.abs(decoded(content).astype(int) - photo).mean(), 6)


if __name__ == "__main__":
    absltest.main()
