"""Sources: sequences of stacks of images."""

import os

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.data.manifest import ImageFiles
from pgtf.data.sources import Cached, Drawn, Images, Pairs, Side, Source, Subset
from pgtf.foundation.errors import ImageError

LEFT, RIGHT = (250, 10, 20), (30, 40, 200)


def pair(height=6, width=4):
    """A red image beside a blue one, one dark corner in each: upper left, lower right."""
    image = np.concatenate([np.full((height, width, 3), colour, "uint8") for colour in (LEFT, RIGHT)], 1)
    image[0, 0] = image[-1, -1] = 0
    return image


def paths(folder):
    return ImageFiles.of(folder).paths


class Numbers(Source):
    """A source of stacks that hold their own index."""

    images, height, width = 2, 2, 3

    def __init__(self, count):
        self.count, self.reads = count, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.reads.append(index)
        return np.full((2, 2, 3, 3), index, "uint8")


def shown(source, index):
    return int(source[index][0, 0, 0, 0])


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

    def test_sides_of_pairs(self):
        pairs = Pairs(paths(self.folder("a.png")), 6, 4)
        for side in (0, 1):
            np.testing.assert_array_equal(Side(pairs, side)[0], pairs[0][side][None])

    def test_chosen_ones(self):
        numbers = Numbers(5)
        chosen = Subset(numbers, [3, 1])
        self.assertLen(chosen, 2)
        self.assertEqual((chosen.images, chosen.height, chosen.width), (2, 2, 3))
        self.assertEqual([shown(chosen, index) for index in (0, 1)], [3, 1])
        self.assertEqual(numbers.reads, [3, 1])


class DrawnTest(absltest.TestCase):
    def test_flipped_turns_the_pair_around(self):
        there, back = (Drawn("facades", 2, 24, 24, flipped=flipped)[1] for flipped in (False, True))
        np.testing.assert_array_equal(there, back[::-1])
        self.assertGreater(np.abs(there[0].astype(int) - there[1]).max(), 20)

    def test_first_is_where_it_begins(self):
        np.testing.assert_array_equal(Drawn("maps", 5, 24, 24)[3], Drawn("maps", 5, 24, 24, first=3)[0])

    def test_any_size(self):
        self.assertEqual(Drawn("maps", 1, 24, 40)[0].shape, (2, 24, 40, 3))


class CachedTest(absltest.TestCase):
    def test_what_is_held_is_not_read_again(self):
        numbers = Numbers(3)
        cached = Cached(numbers, 10**6)
        self.assertEqual([shown(cached, index) for index in (2, 0, 2, 2, 0)], [2, 0, 2, 2, 0])
        self.assertEqual(numbers.reads, [2, 0])

    def test_the_limit_is_kept(self):
        numbers = Numbers(4)
        cached = Cached(numbers, 2 * 36 + 35)  # 36 bytes each: two fit, a third does not quite.
        for _ in range(2):
            self.assertEqual([shown(cached, index) for index in range(4)], [0, 1, 2, 3])
        self.assertEqual(numbers.reads, [0, 1, 2, 3, 2, 3])

    def test_no_limit_no_memory(self):
        numbers = Numbers(1)
        cached = Cached(numbers, 0)
        cached[0], cached[0]
        self.assertEqual(numbers.reads, [0, 0])

    def test_forgotten_is_forgotten_for_good(self):
        numbers = Numbers(2)
        cached = Cached(numbers, 10**6)
        cached[0], cached[1]
        Side(Subset(cached, [1]), 1).release()
        self.assertEqual([shown(cached, index) for index in (0, 1, 1)], [0, 1, 1])
        self.assertEqual(numbers.reads, [0, 1, 0, 1, 1])


if __name__ == "__main__":
    absltest.main()
