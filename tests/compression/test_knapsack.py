"""Knapsack, held against trying everything."""

import itertools

import numpy as np
from absl.testing import absltest

from pgtf.compression.knapsack import chosen


def best(items, budget):
    """The least cost within a budget, by trying everything."""
    sums = (np.sum(one, axis=0) for one in itertools.product(*items))
    return min((cost for size, cost in sums if size <= budget), default=None)


class KnapsackTest(absltest.TestCase):
    def test_is_as_good_as_trying_everything(self):
        draw = np.random.default_rng(0)
        for _ in range(50):
            items = [
                [(int(size), float(cost)) for size, cost in zip(draw.integers(0, 40, 4), draw.uniform(size=4))]
                for _ in range(4)
            ]
            budget = int(draw.integers(5, 150))
            expected = best(items, budget)
            if expected is None:
                with self.assertRaisesRegex(ValueError, "must hold the smallest options.* Received: "):
                    chosen(items, budget)
                continue
            size, cost = np.sum([item[place] for item, place in zip(items, chosen(items, budget))], axis=0)
            self.assertLessEqual(size, budget)
            self.assertAlmostEqual(cost, expected)

    def test_large_budgets_are_kept_and_nearly_used(self):
        draw = np.random.default_rng(1)
        items = [[(10**5 * bits + 7, float(2.0**-bits * draw.uniform(0.1, 9))) for bits in range(9)] for _ in range(20)]
        budget = 7_654_321
        size = sum(item[place][0] for item, place in zip(items, chosen(items, budget)))
        self.assertBetween(size, 0.97 * budget, budget)

    def test_nothing_to_choose(self):
        self.assertEqual(chosen([], 0), [])
        self.assertEqual(chosen([[(0, 1.0)], [(0, 2.0), (0, 1.0)]], 0), [0, 1])


if __name__ == "__main__":
    absltest.main()
