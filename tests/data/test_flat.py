"""Images without labels or partners: in a flat folder, in splits, or drawn."""

import os

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.data import drawn
from pgtf.data.finder import Finder


def write(folder, count, mode="RGB"):
    os.makedirs(folder, exist_ok=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (10 + number, 20, 3), "uint8")
        Image.fromarray(pixels).convert(mode).save(f"{folder}/{mode}{number:02d}.png")


def found(folder, **settings):
    return Finder(folder, "images", (16, 16), (16, 16), **settings)("faces")


class FlatTest(absltest.TestCase):
    def test_a_flat_folder_is_for_training_whatever_sizes_and_modes(self):
        folder = self.create_tempdir().full_path
        write(f"{folder}/faces", 6)
        for mode in ("L", "LA", "RGBA", "P", "1"):
            write(f"{folder}/faces", 1, mode)
        data = found(folder)
        (train,) = data.train
        self.assertLen(train, 11)
        self.assertEqual({train[place].shape for place in range(11)}, {(1, 16, 16, 3)})
        self.assertEqual(data.test_split, "train")
        data.refuse_single_images()  # Single images are no mistake here.

    def test_splits_and_held_out_images(self):
        folder = self.create_tempdir().full_path
        write(f"{folder}/faces/train", 12)
        write(f"{folder}/faces/test", 3)
        data = found(folder, validation=0.2)
        self.assertEqual(data.test_split, "test")
        self.assertLen(data.test[0], 3)
        held_out = len(data.sources["validation"])
        self.assertEqual((len(data.train[0]) + held_out, held_out > 0), (12, True))

    def test_a_folder_without_images_is_refused(self):
        folder = self.create_tempdir().full_path
        os.makedirs(f"{folder}/faces/pictures")
        with self.assertRaisesRegex(FileNotFoundError, "must have images .* or a folder train with images"):
            found(folder)

    def test_drawn_images(self):
        data = found("", drawn_images=3)
        self.assertEqual([len(data.train[0]), data.train[0][0].shape], [3, (1, 16, 16, 3)])
        np.testing.assert_array_equal(data.train[0][2][0], drawn.draw_single("faces", 2, 16))
        self.assertFalse(np.array_equal(data.train[0][0], data.train[0][1]))
        np.testing.assert_array_equal(drawn.draw_single("maps", 2, 16), drawn.draw("maps", 2, 16)[1])
        with self.assertRaisesRegex(ValueError, "faces, cats, cityscapes"):
            Finder("", "images", (16, 16), (16, 16))("dogs")


if __name__ == "__main__":
    absltest.main()
