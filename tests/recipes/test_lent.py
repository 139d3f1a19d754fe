"""Checks the filters that earlier tasks lend to a kernel, and the mixing that copies one task's kernel."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.methods import LentFilters
from pgtf.recipes import Piggyback

SIZES = {"one": 5, "two": 2}
FORWARD, BACKWARD = "forward/x", "backward/x"
# Each part is another, and no filter of one is that of another.
FILTERS = {
    (task, path): np.random.default_rng(seed).normal(size=(3, 2, 4, SIZES[task])).astype("float32")
    for seed, (task, path) in enumerate((task, path) for task in SIZES for path in (FORWARD, BACKWARD))
}
ORDERS = {"forward_first": (FORWARD, BACKWARD), "backward_first": (BACKWARD, FORWARD)}
PARTS = [
    dict(testcase_name=f"{name}_{task}_{path.split('/')[0]}", order=order, task=task, path=path)
    for name, order in ORDERS.items()
    for task, path in FILTERS
]


def lent_by(order):
    """As the bank lends them: path by path, the tasks in order."""
    return LentFilters(tuple((task, path, FILTERS[task, path]) for path in order for task in SIZES))


class LentTest(tf.test.TestCase, parameterized.TestCase):
    def test_is_all_filters_side_by_side(self):
        lent = lent_by((BACKWARD, FORWARD))
        parts = [("one", BACKWARD), ("two", BACKWARD), ("one", FORWARD), ("two", FORWARD)]
        self.assertAllEqual(np.asarray(lent), np.concatenate([FILTERS[part] for part in parts], -1))
        self.assertEqual(lent.shape, (3, 2, 4, 14))
        self.assertEqual(np.asarray(lent, "float64").dtype, "float64")

    @parameterized.named_parameters(PARTS)
    def test_copying_gives_the_filters_of_one_part_and_no_other(self, order, task, path):
        lent = lent_by(order)
        self.assertAllEqual(np.asarray(lent) @ lent.copying(task, path), FILTERS[task, path])

    @parameterized.product(order=list(ORDERS.values()), path=[FORWARD, BACKWARD], ratio=[0, 0.4, 1])
    def test_a_kernel_begins_as_the_first_tasks_wherever_those_stand_in_the_bank(self, order, path, ratio):
        lent = lent_by(order)
        recipe = Piggyback(lent, ratio, seed=3)
        recipe.build((3, 2, 4, 5))
        self.assertNotAllClose(recipe.kernel(), FILTERS["one", path])
        recipe.copy_matching(lent.copying("one", path))
        self.assertAllEqual(recipe.kernel(), FILTERS["one", path])

    @parameterized.parameters(("three", FORWARD), ("one", "forward/y"))
    def test_what_is_not_lent_cannot_be_copied(self, task, path):
        message = f"must be among the borrowed ones. Received: {path} of '{task}', which is not"
        with self.assertRaisesRegex(ValueError, message):
            lent_by((FORWARD, BACKWARD)).copying(task, path)


if __name__ == "__main__":
    tf.test.main()
