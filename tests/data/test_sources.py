"""Sources: sequences of stacks of images."""

import numpy as np
from absl.testing import absltest

from pgtf.data.sources import Cached, Side, Source, Subset


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


class Halves(Numbers):
    """Pairs whose target is their own index + 10."""

    def __getitem__(self, index):
        return super().__getitem__(index) + np.array([0, 10], "uint8")[:, None, None, None]


def shown(source, index):
    return int(source[index][0, 0, 0, 0])


class ViewsTest(absltest.TestCase):
    def test_sides_of_pairs(self):
        for side in (0, 1):
            shown_side = Side(Halves(2), side)
            self.assertEqual((len(shown_side), shown_side.images, shown_side.formats), (2, 1, ((3, "uint8"),)))
            np.testing.assert_array_equal(shown_side[1], np.full((1, 2, 3, 3), 10 * side + 1, "uint8"))

    def test_chosen_ones(self):
        numbers = Numbers(5)
        chosen = Subset(numbers, [3, 1])
        self.assertLen(chosen, 2)
        self.assertEqual((chosen.images, chosen.height, chosen.width), (2, 2, 3))
        self.assertEqual([shown(chosen, index) for index in (0, 1)], [3, 1])
        self.assertEqual(numbers.reads, [3, 1])


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
