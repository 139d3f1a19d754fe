"""Sources that read files: single images, and pairs side by side."""

import os

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.data.file_sources import Images, Pairs
from pgtf.data.manifest import ImageFiles
from pgtf.foundation.errors import ImageError

LEFT, RIGHT = (250, 10, 20), (30, 40, 200)


def pair(height=6, width=4):
    """A red image beside a blue one, one dark corner in each: upper left, lower right."""
    image = np.concatenate([np.full((height, width, 3), colour, "uint8") for colour in (LEFT, RIGHT)], 1)
    image[0, 0] = image[-1, -1] = 0
    return image


def paths(folder):
    return ImageFiles.of(folder).paths


class FilesTest(absltest.TestCase):
    def folder(self, *names):
        folder = self.create_tempdir().full_path
        for name in names:
            Image.fromarray(pair()).save(os.path.join(folder, name), "PNG")
        return folder

    def test_pairs_are_the_left_and_the_right_half(self):
        files = paths(self.folder("a.png"))
        stack = Pairs(files, 6, 4)[0]
        np.testing.assert_array_equal(stack, [pair()[:, :4], pair()[:, 4:]])
        np.testing.assert_array_equal(Pairs(files, 6, 4, flipped=True)[0], stack[::-1])

    def test_halves_are_resized_each_by_itself(self):
        stack = Pairs(paths(self.folder("a.png")), 12, 20)[0]
        self.assertEqual(stack.shape, (2, 12, 20, 3))
        np.testing.assert_allclose(stack[0, 5:], np.broadcast_to(LEFT, (7, 20, 3)), atol=12)  # No blue from the right.
        np.testing.assert_allclose(stack[1, :7], np.broadcast_to(RIGHT, (7, 20, 3)), atol=12)

    def test_an_odd_width_is_refused(self):
        folder = self.create_tempdir().full_path
        Image.fromarray(pair()[:, :7]).save(os.path.join(folder, "odd.png"))
        with self.assertRaisesRegex(ImageError, r"width must be even. Received: '.*odd.png', 7 px wide"):
            Pairs(paths(folder), 6, 4)[0]

    def test_single_images_are_stacks_of_one(self):
        source = Images(paths(self.folder("a.png", "b.png")), 6, 8)
        self.assertLen(source, 2)
        np.testing.assert_array_equal(source[1], pair()[None])


if __name__ == "__main__":
    absltest.main()
