"""Recipes over one earlier kernel: each rule by hand, in loops, and what they start as."""

import functools
import itertools

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.recipes import Lora, LowRank, Mask, Modulated, PartlyFree, Spec
from pgtf.recipes.specs import free_inputs

SHAPE = (3, 2, 5, 4)
BANK = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
HALF = functools.partial(PartlyFree, ratio=0.5)
ALL = (("mask", Mask), ("modulated", Modulated), ("low_rank", LowRank), ("lora", Lora), ("partly_free", HALF))


def built(recipe, shape=SHAPE):
    recipe.build(shape)
    return recipe


def drawn(recipe, seed=1):
    """Other values of all that is stored, {name: array}."""
    draw = np.random.default_rng(seed)
    values = {
        name: draw.normal(size=variable.shape).astype("float32") for name, variable in recipe.task_variables().items()
    }
    recipe.restore(values)
    return values


def by_loops(rule):
    """[h, w, c_in, c_out] of rule(y, x, i, o)."""
    kernel = np.zeros(SHAPE)
    for place in itertools.product(*map(range, SHAPE)):
        kernel[place] = rule(*place)
    return kernel


@parameterized.named_parameters(*ALL)
class AdaptingTest(tf.test.TestCase, parameterized.TestCase):
    def test_starts_as_the_bank_to_the_bit(self, kind):
        self.assertAllEqual(built(kind(BANK)).kernel(), BANK)

    def test_a_bank_of_another_shape_is_refused(self, kind):
        with self.assertRaisesRegex(ValueError, r"the kernel's shape, \(3, 2, 5, 8\). Received: a bank \(3, 2, 5, 4\)"):
            built(kind(BANK), (3, 2, 5, 8))

    def test_none_of_it_is_lent(self, kind):
        self.assertFalse(any(spec.lent for spec in kind(BANK).specs(SHAPE).values()))


class ModulatedTest(tf.test.TestCase):
    def test_by_hand(self):
        recipe = built(Modulated(np.float32([[[[1, 2]]], [[[3, 4]]]])), (2, 1, 1, 2))
        recipe.restore({"gamma": np.float32([[10, 100]]), "beta": np.float32([[0.5, 0.25]])})
        self.assertAllEqual(recipe.kernel(), np.float32([[[[10.5, 200.25]]], [[[30.5, 400.25]]]]))

    def test_by_loops(self):
        recipe = built(Modulated(BANK))
        own = drawn(recipe)
        expected = by_loops(lambda y, x, i, o: BANK[y, x, i, o] * own["gamma"][i, o] + own["beta"][i, o])
        self.assertAllClose(recipe.kernel(), expected, rtol=1e-5)
        self.assertEqual(recipe.specs(SHAPE), {"gamma": Spec((5, 4)), "beta": Spec((5, 4))})


class LowRankTest(tf.test.TestCase, parameterized.TestCase):
    def test_by_hand(self):
        recipe = built(LowRank(np.float32([[[[1, 2]], [[3, 4]]]]), rank=1), (1, 2, 1, 2))
        recipe.restore(
            {
                "scale_left": np.float32([[1], [2]]),
                "scale_right": np.float32([[10, 100]]),
                "shift_left": np.float32([[0.5], [0.25]]),
                "shift_right": np.float32([[1, 3]]),
            }
        )
        # 1 × (1 + 10) + 0.5, 2 × (1 + 100) + 1.5; 3 × (1 + 20) + 0.25, 4 × (1 + 200) + 0.75
        self.assertAllEqual(recipe.kernel(), np.float32([[[[11.5, 203.5]], [[63.25, 804.75]]]]))

    @parameterized.parameters(1, 3, 4)
    def test_by_loops(self, rank):
        recipe = built(LowRank(BANK, rank))
        own = drawn(recipe)

        def rule(y, x, i, o):
            row = (y * 2 + x) * 5 + i
            scale, shift = (
                sum(own[f"{name}_left"][row, r] * own[f"{name}_right"][r, o] for r in range(rank))
                for name in ("scale", "shift")
            )
            return BANK[y, x, i, o] * (1 + scale) + shift

        self.assertAllClose(recipe.kernel(), by_loops(rule), rtol=1e-5)
        self.assertEqual(sum(spec.values for spec in recipe.specs(SHAPE).values()), 2 * rank * (3 * 2 * 5 + 4))

    def test_lora_adds_one_product(self):
        recipe = built(Lora(BANK, 3))
        own = drawn(recipe)
        product = np.einsum("ar,rb->ab", own["shift_left"], own["shift_right"]).reshape(SHAPE)
        self.assertAllClose(recipe.kernel(), BANK + product, rtol=1e-5)
        self.assertEqual(
            {name: spec.shape for name, spec in recipe.specs(SHAPE).items()},
            {"shift_left": (30, 3), "shift_right": (3, 4)},
        )

    def test_left_factors_are_drawn_apart_and_from_the_seed(self):
        one, again, other = (built(LowRank(BANK, seed=seed)).state() for seed in (1, 1, 2))
        self.assertNotAllClose(one["scale_left"], one["shift_left"])
        self.assertAllEqual(one["scale_left"], again["scale_left"])
        self.assertNotAllClose(one["scale_left"], other["scale_left"])

    def test_a_rank_above_the_kernels_is_refused(self):
        for rank in (5, 0):
            with self.assertRaisesRegex(ValueError, rf"\[1, 4\] for a kernel \(3, 2, 5, 4\).* Received: {rank}"):
                LowRank(BANK, rank).specs(SHAPE)
        with self.assertRaisesRegex(ValueError, r"\[1, 3\].* Received: 4"):
            LowRank((1, 1, 3, 9), 4).specs((1, 1, 3, 9))


class PartlyFreeTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (0.1, 3, 0), (0.1, 10, 1), (0.29, 100, 29), (0.5, 5, 2), (0.99, 64, 63), (1, 7, 7), (0, 7, 0)
    )
    def test_channels_are_rounded_down(self, ratio, c_in, expected):
        self.assertEqual(free_inputs(ratio, c_in), expected)

    @parameterized.parameters((0.0, 0), (0.4, 2), (0.5, 2), (1.0, 5))
    def test_the_first_input_channels_are_free_and_the_rest_are_the_banks(self, ratio, free):
        recipe = built(PartlyFree(BANK, ratio))
        own = drawn(recipe)
        expected = by_loops(lambda y, x, i, o: own["free"][y, x, i, o] if i < free else BANK[y, x, i, o])
        self.assertAllEqual(recipe.kernel(), expected)
        self.assertEqual(recipe.specs(SHAPE), {"free": Spec((3, 2, free, 4))} if free else {})
        self.assertLen(recipe.trainable_variables, min(free, 1))

    def test_a_share_above_one_is_refused(self):
        with self.assertRaisesRegex(ValueError, r"in \[0, 1\]. Received: 1.5"):
            PartlyFree(BANK, 1.5)


if __name__ == "__main__":
    tf.test.main()
