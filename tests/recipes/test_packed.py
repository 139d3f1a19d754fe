"""Packed kernels, by hand: who owns what, what pruning keeps, what is stored, and what is refused."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.recipes import Packed
from pgtf.recipes.packed import together
from pgtf.recipes.specs import kept_weights

SHAPE = (1, 2, 2, 2)


def weights(*values, kind="float32"):
    return np.asarray(values, kind).reshape(SHAPE)


def bits(text):
    return weights(*(letter == "1" for letter in text), kind=bool)


def built(earlier=(), **settings):
    recipe = Packed(earlier, **settings)
    recipe.build(SHAPE)
    return recipe


FIRST = bits("10010010"), np.float32([1, -4, 7])
SECOND = bits("11010110"), np.float32([2, 6])  # Uses the first's, and owns two beside them.


class PackedTest(tf.test.TestCase, parameterized.TestCase):
    def test_learn_prune_retrain_by_hand(self):
        recipe = built(initializer="ones")
        self.assertAllEqual(recipe.kernel(), weights(1, 1, 1, 1, 1, 1, 1, 1))
        recipe.own_values.assign(weights(0.3, -0.9, 0.1, 0.0, -0.2, 0.8, -0.7, 0.4))
        recipe.prune(0.5)
        kept = weights(0, -0.9, 0, 0, 0, 0.8, -0.7, 0.4)
        self.assertAllEqual(recipe.kernel(), kept)
        recipe.own_values.assign_add(weights(1, 1, 1, 1, 1, 1, 1, 1))  # An optimizer moves all of them.
        self.assertAllClose(recipe.kernel(), np.where(kept, kept + 1, 0))
        state = recipe.state()
        self.assertAllEqual(state["used"], bits("01000111"))
        self.assertAllClose(state["owned"], [0.1, 1.8, 0.3, 1.4])

    def test_a_later_task_by_hand(self):
        recipe = built([FIRST, SECOND])
        given = weights(1, 2, 0, -4, 0, 6, 7, 0)
        self.assertAllEqual(recipe.kernel(), given)  # It begins with what was released at zero.
        recipe.own_values.assign(weights(9, 9, 0.5, 9, -0.1, 9, 9, 0.2))
        self.assertAllClose(recipe.kernel(), given + weights(0, 0, 0.5, 0, -0.1, 0, 0, 0.2))
        recipe.prune(0.5)  # Of the three that are its own to learn it releases one.
        self.assertAllClose(recipe.kernel(), given + weights(0, 0, 0.5, 0, 0, 0, 0, 0.2))
        self.assertAllClose(recipe.state()["owned"], [0.5, 0.2])
        self.assertEqual(recipe.counts(), {"weights": 8, "owned": 2, "picked": 5, "free": 1})

    def test_only_its_own_are_learnt(self):
        recipe = built([FIRST, SECOND])
        recipe.own_values.assign(weights(9, 9, 3, 9, 1, 9, 9, 2))
        upstream = weights(*range(1, 9))

        def gradient():
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(recipe.kernel() * upstream)
            return tape.gradient(loss, recipe.own_values)

        self.assertAllEqual(gradient(), weights(0, 0, 3, 0, 5, 0, 0, 8))
        recipe.prune(0.67)
        self.assertAllEqual(gradient(), weights(0, 0, 3, 0, 0, 0, 0, 0))

    @parameterized.parameters(0.0, 0.25, 0.5, 0.9, 0.99)
    def test_exactly_the_largest_stay(self, ratio):
        draw = np.random.default_rng(0)
        shape, used = (3, 3, 5, 4), draw.uniform(size=(3, 3, 5, 4)) < 0.3
        recipe = Packed([(used, np.ones(used.sum(), "float32"))], prune_ratio=ratio)
        recipe.build(shape)
        values = draw.normal(size=shape).astype("float32")
        recipe.own_values.assign(values)
        recipe.prune(ratio)
        kept, free = recipe.alive.numpy(), ~used
        self.assertEqual(kept.sum(), free.sum() - int(ratio * free.sum() + 1e-9))
        self.assertFalse((kept & used).any())
        pruned = np.abs(values[free & ~kept])
        self.assertTrue(pruned.size == 0 or pruned.max() < np.abs(values[kept]).min())
        self.assertEqual(recipe.specs(shape)["owned"].shape, recipe.state()["owned"].shape)

    def test_of_equals_the_first_stay(self):
        recipe = built(initializer="ones")
        recipe.prune(0.625)
        self.assertAllEqual(recipe.state()["used"], bits("11100000"))

    def test_what_was_pruned_stays_pruned_however_it_is_moved(self):
        recipe = built()
        recipe.own_values.assign(weights(8, 7, 6, 5, 4, 3, 2, 1))
        recipe.prune(0.5)
        recipe.own_values.assign(weights(1, 2, 3, 4, 50, 60, 70, 80))
        recipe.prune(0.5)
        self.assertAllEqual(recipe.state()["used"], bits("11110000"))
        recipe.prune(0.75)
        self.assertAllEqual(recipe.state()["used"], bits("00110000"))

    def test_in_a_grown_kernel_each_of_its_inputs_grew(self):
        small = np.ones((1, 1, 2, 1), bool), np.float32([3, 4])  # One channel from each of two inputs.
        values, taken, known = together([small], (1, 1, 6, 2), inputs=2)
        self.assertAllEqual(values[0, 0].T, [[3, 0, 0, 4, 0, 0], [0] * 6])
        self.assertAllEqual(taken, values != 0)
        self.assertAllEqual(known, taken)
        # A task in the grown kernel uses one of these, and owns the last weight; a third one sees both.
        second = np.zeros((1, 1, 6, 2), bool), np.float32([9])
        second[0][0, 0, 3, 0] = second[0][0, 0, 5, 1] = True
        values, taken, known = together([small, second], (1, 1, 8, 3), inputs=2)
        self.assertAllEqual(values[0, 0].T, [[3, 0, 0, 0, 4, 0, 0, 0], [0, 0, 0, 0, 0, 0, 9, 0], [0] * 8])
        self.assertAllEqual(known[0, 0].T, [[1, 1, 1, 0, 1, 1, 1, 0]] * 2 + [[0] * 8])
        self.assertAllEqual(together([small], (1, 1, 6, 2))[0][0, 0].T, [[3, 4, 0, 0, 0, 0], [0] * 6])

    def test_tasks_side_by_side_never_overlap_and_each_weight_is_its_owners(self):
        values, taken, _ = together([FIRST, SECOND], SHAPE)
        self.assertAllEqual(values, weights(1, 2, 0, -4, 0, 6, 7, 0))
        self.assertAllEqual(taken, bits("11010110"))
        self.assertAllEqual(together([FIRST], SHAPE)[0], weights(1, 0, 0, -4, 0, 0, 7, 0))

    @parameterized.parameters((0.5, 5, 3), (0.29, 100, 71), (0.99, 1, 1), (0.0, 7, 7), (0.75, 0, 0))
    def test_the_count_that_stays(self, ratio, count, expected):
        self.assertEqual(kept_weights(ratio, count), expected)

    @parameterized.parameters(
        (
            lambda: together([(FIRST[0], FIRST[1][:2])], SHAPE),
            r"uses and no earlier task owns. Received: 3 such .*\(2,\)",
        ),
        (lambda: together([FIRST, FIRST], SHAPE), r"Received: 0 such weights, values \(3,\)"),
        (lambda: built().restore({"used": FIRST[0], "owned": np.ones(4, "float32")}), r"Received: 3 such .*\(4,\)"),
        (
            lambda: together([(FIRST[0][:, :1], FIRST[1])], SHAPE),
            r"grow only in channels, .*Received: \[1, 1, 2, 2\] to \[1, 2",
        ),
        (lambda: together([(np.ones((1, 2, 3, 2), bool), FIRST[1])], SHAPE), r"Received: \[1, 2, 3, 2\] to \[1, 2"),
        (lambda: together([(FIRST[0].astype("uint8"), FIRST[1])], SHAPE), "must be bool. Received: uint8"),
        (lambda: built().restore({"used": FIRST[0][:, :1], "owned": FIRST[1]}), r"\(1, 2, 2, 2\). Received: \(1, 1, 2"),
        (lambda: Packed(9).specs(SHAPE), r"cannot own more weights than a kernel \[1, 2, 2, 2\] has. Received: 9"),
        (lambda: Packed(prune_ratio=1.5), r"must lie in \[0, 1\]. Received: 1.5"),
    )
    def test_refused(self, made, message):
        with self.assertRaisesRegex(ValueError, message):
            made()


if __name__ == "__main__":
    tf.test.main()
