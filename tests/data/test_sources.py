"""Sources: sequences of stacks of images, and what they do about bad ones."""

import os

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.data.images import ImageError
from pgtf.data.sources import Cached, Drawn, Images, Pairs, Side, image_files

LEFT, RIGHT = (250, 10, 20), (30, 40, 200)


def pair(height=6, width=4):
    """A red image beside a blue one, one dark corner in each: upper left, lower right."""
    image = np.concatenate([np.full((height, width, 3), colour, "uint8") for colour in (LEFT, RIGHT)], 1)
    image[0, 0] = image[-1, -1] = 0
    return image


class Numbers:
    """A source of stacks that hold their own index; those in `broken` can't be read."""

    images, height, width = 2, 2, 3

    def __init__(self, count, broken=()):
        self.count, self.broken, self.reads = count, broken, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.reads.append(index)
        if index in self.broken:
            raise ImageError(f"number {index}")
        return np.full((2, 2, 3, 3), index, "uint8")


def shown(source, index):
    return int(source[index][0, 0, 0, 0])


class FilesTest(absltest.TestCase):
    def folder(self, *names):
        folder = self.create_tempdir().full_path
        for name in names:
            Image.fromarray(pair()).save(os.path.join(folder, name), "PNG")
        return folder

    def test_files_are_sorted_and_only_images(self):
        folder = self.folder("b.png", "a.JPG", "c.jpeg", ".hidden.png", "d.webp")
        for name in ("list.txt", "png"):
            open(os.path.join(folder, name), "w").close()
        self.assertEqual(
            [os.path.basename(path) for path in image_files(folder)], ["a.JPG", "b.png", "c.jpeg", "d.webp"]
        )

    def test_pairs_are_the_left_and_the_right_half(self):
        paths = image_files(self.folder("a.png"))
        stack = Pairs(paths, 6, 4)[0]
        np.testing.assert_array_equal(stack, [pair()[:, :4], pair()[:, 4:]])
        np.testing.assert_array_equal(Pairs(paths, 6, 4, flipped=True)[0], stack[::-1])

    def test_halves_are_resized_each_by_itself(self):
        stack = Pairs(image_files(self.folder("a.png")), 12, 20)[0]
        self.assertEqual(stack.shape, (2, 12, 20, 3))
        np.testing.assert_allclose(stack[0, 5:], np.broadcast_to(LEFT, (7, 20, 3)), atol=12)  # No blue from the right.
        np.testing.assert_allclose(stack[1, :7], np.broadcast_to(RIGHT, (7, 20, 3)), atol=12)

    def test_an_odd_width_is_refused(self):
        folder = self.create_tempdir().full_path
        Image.fromarray(pair()[:, :7]).save(os.path.join(folder, "odd.png"))
        with self.assertRaisesRegex(ImageError, r"width is even. Received: .*odd.png, 7 px wide"):
            Pairs(image_files(folder), 6, 4)[0]

    def test_single_images_are_stacks_of_one(self):
        source = Images(image_files(self.folder("a.png", "b.png")), 6, 8)
        self.assertLen(source, 2)
        np.testing.assert_array_equal(source[1], pair()[None])

    def test_sides_of_pairs(self):
        pairs = Pairs(image_files(self.folder("a.png")), 6, 4)
        for side in (0, 1):
            np.testing.assert_array_equal(Side(pairs, side)[0], pairs[0][side][None])

    def test_sides_know_what_was_skipped(self):
        cached = Cached(Numbers(3, broken=[1]), 0, skip_bad=True)
        Side(cached, 1)[1]
        self.assertEqual(list(Side(cached, 0).bad), [1])


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
        Side(cached, 1).forget()
        self.assertEqual([shown(cached, index) for index in (0, 1, 1)], [0, 1, 1])
        self.assertEqual(numbers.reads, [0, 1, 0, 1, 1])

    def test_a_bad_image_is_refused_by_name(self):
        cached = Cached(Numbers(3, broken=[1]), 10**6)
        self.assertEqual(shown(cached, 0), 0)
        with self.assertRaisesRegex(ImageError, "number 1"):
            cached[1]

    def test_a_bad_image_is_skipped_and_counted_once(self):
        numbers = Numbers(5, broken=[1, 2, 4])
        cached = Cached(numbers, 10**6, skip_bad=True)
        for _ in range(2):
            self.assertEqual([shown(cached, index) for index in range(5)], [0, 3, 3, 3, 0])
        self.assertEqual(sorted(cached.bad), [1, 2, 4])
        self.assertEqual(sorted(numbers.reads), [0, 1, 2, 3, 4])

    def test_all_bad_is_refused_even_when_skipping(self):
        cached = Cached(Numbers(2, broken=[0, 1]), 10**6, skip_bad=True)
        for _ in range(2):
            with self.assertRaisesRegex(ImageError, "At least one image must be readable. Received: 2"):
                cached[1]

    def test_another_error_is_not_swallowed(self):
        class Failing(Numbers):
            def __getitem__(self, index):
                raise MemoryError("none left")

        with self.assertRaises(MemoryError):
            Cached(Failing(2), 10**6, skip_bad=True)[0]


if __name__ == "__main__":
    absltest.main()
