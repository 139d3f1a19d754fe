"""Piggyback: its rounding, how it begins, its banks and its ways of convolving."""

import re

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import Conv2D, Conv2DTranspose
from pgtf.methods import LentFilters
from pgtf.recipes import Piggyback, Spec, unconstrained_filters
from pgtf.recipes.piggyback import mixing_is_cheaper

BANK = np.random.default_rng(0).normal(size=(3, 2, 4, 9)).astype("float32")
PLACES = [4, 0, 8, 2, 7, 5, 1, 3, 6]
DENSE = np.random.default_rng(5).normal(size=(9, 6)).astype("float32")
X = np.random.default_rng(1).normal(size=(2, 6, 5, 4)).astype("float32")


def built(recipe, c_out):
    recipe.build((*recipe.bank_shape[:3], c_out))
    return recipe


def copying(places):
    """The mixing whose column j copies filter places[j] of the bank."""
    return np.eye(9, dtype="float32")[:, places]


class UnconstrainedFiltersTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (0.25, 64, 16),
        (0.25, 2, 1),  # Half a filter counts as one: Python's round(0.5) is 0,
        (0.25, 6, 2),  # and its round(1.5) is 2, so that halves went now up, now down.
        (0.25, 10, 3),
        (0.25, 1, 0),
        (0.25, 3, 1),
        (0.25, 5, 1),
        (0.125, 4, 1),
        (0.125, 3, 0),
        (0.5, 3, 2),
        (0.5, 5, 3),
        (0, 7, 0),
        (1, 7, 7),
    )
    def test_halves_go_up(self, ratio, c_out, expected):
        self.assertEqual(unconstrained_filters(ratio, c_out), expected)
        self.assertIsInstance(unconstrained_filters(ratio, c_out), int)

    def test_never_more_than_there_are_nor_fewer_than_none(self):
        for c_out in range(1, 40):
            counts = [unconstrained_filters(ratio, c_out) for ratio in np.linspace(0, 1, 41)]
            self.assertEqual(counts, sorted(counts))
            self.assertEqual((counts[0], counts[-1]), (0, c_out))

    def test_is_what_a_kernel_gets(self):
        recipe = built(Piggyback(BANK, 0.25), 6)
        self.assertEqual((recipe.unconstrained.shape[-1], recipe.mixing.shape), (2, (9, 4)))


class FreeUpToTest(tf.test.TestCase, parameterized.TestCase):
    """A kernel [3, 2, 4, 6] has 144 values."""

    @parameterized.parameters((0, 2), (143, 2), (144, 6), (10**9, 6))
    def test_all_filters_of_a_small_kernel_are_free(self, free_up_to, free):
        recipe = built(Piggyback(BANK, 0.25, free_up_to=free_up_to, start=DENSE), 6)
        self.assertEqual(recipe.unconstrained.shape, (3, 2, 4, free))
        self.assertEqual("mixing" in recipe.task_variables(), free < 6)
        self.assertEqual(recipe.specs((3, 2, 4, 6))["unconstrained"], Spec((3, 2, 4, free), lent=True))
        self.assertAllClose(recipe.kernel(), np.einsum("hwib,bo->hwio", BANK, DENSE), atol=1e-6)

    def test_it_survives_its_config(self):
        again = Piggyback.from_config(Piggyback(BANK, free_up_to=144).get_config())
        self.assertEqual(list(again.specs((3, 2, 4, 6))), ["unconstrained"])


class StartTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(ratio=[0, 0.25, 0.5, 1], c_out=[1, 6, 9])
    def test_the_kernel_begins_as_the_filters_that_the_start_copies_exactly(self, ratio, c_out):
        recipe = built(Piggyback(BANK, ratio, start=copying(PLACES[:c_out])), c_out)
        self.assertAllEqual(recipe.kernel(), BANK[..., PLACES[:c_out]])

    @parameterized.parameters(0, 0.25, 1)
    def test_the_kernel_begins_as_any_mix_of_the_bank(self, ratio):
        recipe = built(Piggyback(BANK, ratio, start=DENSE), 6)
        self.assertAllClose(recipe.kernel(), np.einsum("hwib,bo->hwio", BANK, DENSE), atol=1e-6)

    def test_what_begins_as_a_copy_can_go_anywhere_in_the_bank(self):
        recipe = built(Piggyback(BANK, 0.25, start=copying(PLACES[:6])), 6)
        self.assertEqual(recipe.mixing.shape, (9, 4))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(recipe.kernel() * np.random.default_rng(2).normal(size=(3, 2, 4, 6)))
        gradient = np.abs(tape.gradient(loss, recipe.mixing))
        self.assertAllGreater(gradient, 0)

    def test_the_first_columns_of_a_start_make_the_unconstrained_filters_the_rest_is_the_mixing(self):
        recipe = built(Piggyback(BANK, 0.25, start=DENSE), 6)
        self.assertAllEqual(recipe.mixing, DENSE[:, 2:])
        self.assertAllClose(recipe.unconstrained, np.einsum("hwib,bo->hwio", BANK, DENSE[:, :2]), atol=1e-6)

    @parameterized.parameters(0, 0.25, 1)
    def test_a_built_kernel_begins_anew(self, ratio):
        recipe = built(Piggyback(BANK, ratio, seed=4), 6)
        for start, expected in ((DENSE, None), (copying(PLACES[:6]), BANK[..., PLACES[:6]])):
            recipe.copy_matching(start)
            again = built(Piggyback(BANK, ratio, start=start), 6).kernel()
            self.assertAllEqual(recipe.kernel(), again if expected is None else expected)
        self.assertAllEqual(recipe.bank, BANK)

    @parameterized.parameters(((9, 5),), ((9, 7),), ((8, 6),), ((6, 9),), ((6,),), ((1, 9, 6),))
    def test_a_built_kernel_takes_no_start_of_another_shape(self, shape):
        recipe = built(Piggyback(BANK, 0.25, seed=4), 6)
        before = recipe.kernel()
        message = rf"`start` must be a mixing .*\[9, 6\]. Received: {re.escape(str(list(shape)))}"
        with self.assertRaisesRegex(ValueError, message):
            recipe.copy_matching(np.ones(shape))
        self.assertAllEqual(recipe.kernel(), before)

    @parameterized.parameters((16, 0.02), (128, 0.02), (512, 3.0))
    def test_random_starts_with_the_spread_of_the_bank(self, filters, spread):
        bank = np.random.default_rng(3).normal(scale=spread, size=(4, 4, 8, filters)).astype("float32")
        kernel = built(Piggyback(bank, 0, seed=4), 256).kernel().numpy()
        # The mixing's own error: a relative one of 1 / sqrt(2 · 16 · 256) for the smallest, 1.1 %.
        self.assertAllClose(kernel.std() / bank.std(), 1, atol=0.05)
        self.assertAllClose(kernel.mean() / bank.std(), 0, atol=0.05)

    def test_random_starts_the_unconstrained_filters_by_the_initializer(self):
        recipe = built(Piggyback(BANK, 0.5, initializer=keras.initializers.Constant(7)), 6)
        self.assertAllEqual(recipe.kernel()[..., :3], np.full((3, 2, 4, 3), 7))
        self.assertNotAllClose(recipe.kernel()[..., 3:], np.full((3, 2, 4, 3), 7))

    def test_random_is_a_function_of_the_seed(self):
        mixing = [built(Piggyback(BANK, seed=seed), 6).mixing.numpy() for seed in (1, 1, 2)]
        self.assertAllEqual(mixing[0], mixing[1])
        self.assertNotAllClose(mixing[0], mixing[2])


class BankTest(tf.test.TestCase, parameterized.TestCase):
    """Checks the types that a bank may have."""

    @parameterized.named_parameters(
        ("array", lambda: BANK),
        ("double", lambda: BANK.astype("float64")),
        ("nested_lists", BANK.tolist),
        ("variable", lambda: tf.Variable(BANK)),
        ("tensor", lambda: tf.constant(BANK)),
        (
            "lent",
            lambda: LentFilters(
                (("one", "g/x", BANK[..., :5]), ("two", "g/x", BANK[..., 5:8]), ("three", "g/x", BANK[..., 8:]))
            ),
        ),
    )
    def test_as_anything_that_is_an_array(self, bank):
        start = copying(PLACES[:6])
        recipe = built(Piggyback(bank(), 0.25, start=start), 6)
        self.assertAllEqual(recipe.kernel(), BANK[..., PLACES[:6]])
        self.assertAllEqual(recipe.bank, BANK)
        self.assertEqual({id(v) for v in recipe.trainable_variables}, {id(recipe.unconstrained), id(recipe.mixing)})
        self.assertLen(recipe.weights, 3)

    @parameterized.parameters(((3, 2, 4, 9),), ([3, 2, 4, 9],))
    def test_as_just_its_shape_it_is_zero_until_it_is_loaded(self, shape):
        full, empty = built(Piggyback(BANK, 0.25, seed=1), 6), built(Piggyback(shape, 0.25, seed=1), 6)
        self.assertEqual(empty.specs((3, 2, 4, 6)), full.specs((3, 2, 4, 6)))
        self.assertAllEqual(empty.bank, np.zeros((3, 2, 4, 9)))
        empty.set_weights(full.get_weights())
        self.assertAllEqual(empty.kernel(), full.kernel())

    def test_what_is_lent_is_not_read_to_know_what_is_stored(self):
        # Filters that no memory holds: only their shape is there.
        vast = np.broadcast_to(np.float32(0), (4, 4, 512, 2**40))
        specs = Piggyback(LentFilters((("one", "g/x", vast), ("two", "g/x", vast)))).specs((4, 4, 512, 8))
        self.assertEqual(specs, {"unconstrained": Spec((4, 4, 512, 2), lent=True), "mixing": Spec((2**41, 6))})

    @parameterized.parameters(
        ((3, 2, 4, 0), "(3, 2, 4, 0)"), ((3, 2, 4), "(3,)"), (np.ones((3, 2, 4)), "(3, 2, 4)"), (None, "()"), (7, "()")
    )
    def test_anything_else_is_refused(self, bank, received):
        message = re.escape(f"A bank must be [height, width, c_in, filters >= 1]. Received: {received}")
        with self.assertRaisesRegex(ValueError, message):
            Piggyback(bank)


class MixingIsCheaperTest(tf.test.TestCase, parameterized.TestCase):
    """The counts are those of a U-Net at 256 px, λ = ¼, written out: K = h·w·c_in, p piggyback, B bank filters."""

    @parameterized.named_parameters(
        # down8, 512 -> 512, from 2x2 to 1x1, in the second task: K 8192, B 512, p 384.
        # compose 2·8192·512·384 + 3·1·8192·384 = 3,230,662,656; mix 2·1·8192·512 + 3·1·512·384 = 8,978,432.
        ("down8", (4, 4, 512, 384), 512, (1, 2, 2, 512), (1, 1, 1, 512), True),
        # down1, 3 -> 64, from 256x256 to 128x128: K 48, B 64, p 48.
        # compose 2·48·64·48 + 3·16384·48·48 = 113,541,120; mix 2·16384·48·64 + 3·16384·64·48 = 251,658,240.
        ("down1", (4, 4, 3, 48), 64, (1, 256, 256, 3), (1, 128, 128, 64), False),
        # down2, 64 -> 128, from 128x128 to 64x64: K 1024, B 128, p 96.
        # compose 2·1024·128·96 + 3·4096·1024·96 = 1,233,125,376; mix 2·4096·1024·128 + 3·4096·128·96 = 1,224,736,768.
        ("down2", (4, 4, 64, 96), 128, (1, 128, 128, 64), (1, 64, 64, 128), True),
        # The same layer with B 135: compose 1,234,501,632; mix 1,291,714,560. Counted at the 128x128 that come in, the
        # convolutions would outweigh the mixing, and mixing seem cheaper.
        ("down2_of_a_bank_of_135", (4, 4, 64, 96), 135, (1, 128, 128, 64), (1, 64, 64, 128), False),
        # The same layer in the third task, B 160: compose 1,239,416,832; mix 1,530,920,960.
        ("down2_of_the_third_task", (4, 4, 64, 96), 160, (1, 128, 128, 64), (1, 64, 64, 128), False),
        # up8, transposed, 512 -> 512, from 1x1 to 2x2: K 8192, B 512, p 384; it convolves at its one input position.
        # compose 2·8192·512·384 + 3·1·8192·384 = 3,230,662,656; mix 2·1·8192·512 + 3·4·512·384 = 10,747,904.
        ("up8", (4, 4, 512, 384), 512, (1, 1, 1, 512), (1, 2, 2, 512), True),
        # up2, transposed, 256 -> 64, from 64x64 to 128x128: K 4096, B 64, p 48.
        # compose 2·4096·64·48 + 3·4096·4096·48 = 2,441,084,928; mix 2·4096·4096·64 + 3·16384·64·48 = 2,298,478,592.
        ("up2", (4, 4, 256, 48), 64, (1, 64, 64, 256), (1, 128, 128, 64), True),
        # The same with B 70: compose 2,443,444,224; mix 2,513,960,960, of which 165,150,720 for mixing at 128x128. At
        # the 64x64 that come in it would be a quarter of that, and cheaper than composing.
        ("up2_of_a_bank_of_70", (4, 4, 256, 48), 70, (1, 64, 64, 256), (1, 128, 128, 64), False),
        # The same in the third task, B 80: compose 2,447,376,384; mix 2,873,098,240.
        ("up2_of_the_third_task", (4, 4, 256, 48), 80, (1, 64, 64, 256), (1, 128, 128, 64), False),
        # down5, 512 -> 512, from 16x16 to 8x8, fifth task, B 1024: K 8192, p 384, 64 positions an image.
        # One image: compose 2·8192·1024·384 + 3·64·8192·384 = 7,046,430,720; mix 2·64·8192·1024 + 3·64·1024·384
        # = 1,149,239,296. 16 of them: compose 16,106,127,360; mix 18,387,828,736.
        ("down5_of_one_image", (4, 4, 512, 384), 1024, (1, 16, 16, 512), (1, 8, 8, 512), True),
        ("down5_of_sixteen", (4, 4, 512, 384), 1024, (16, 16, 16, 512), (16, 8, 8, 512), False),
        ("unknown_batch", (4, 4, 512, 384), 512, (None, 2, 2, 512), (None, 1, 1, 512), False),
        ("unknown_size", (4, 4, 512, 384), 512, (1, None, 2, 512), (1, None, 1, 512), False),
    )
    def test_by_hand(self, kernel, bank_filters, x, y, expected):
        self.assertIs(mixing_is_cheaper(kernel, bank_filters, x, y), expected)


def convolved_filters(layer, *shape):
    """Returns the number of filters of each convolution in the traced layer."""
    graph = tf.function(lambda x: layer(x)).get_concrete_function(tf.TensorSpec(shape, "float32")).graph
    axes = {"Conv2D": 3, "Conv2DBackpropInput": 2}
    return sorted(op.inputs[1].shape[axes[op.type]] for op in graph.get_operations() if op.type in axes)


class StrategyTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(layer=[Conv2D, Conv2DTranspose], strategy=["auto", "compose", "mix"])
    def test_auto_takes_the_cheaper_way(self, layer, strategy):
        # K 3·2·4, B 9, p 6: one position composes for 2·24·9·6 + 3·24·6 = 3024 and mixes for 2·24·9 + 3·9·6 = 594;
        # 900 positions compose for 391,392 and mix for 534,600.
        made = layer(8, (3, 2), recipe=Piggyback(BANK, strategy=strategy), padding="same")
        made.build((None, None, None, 4))
        composed, mixed = [8], [2, 9]
        few, many = convolved_filters(made, 1, 1, 1, 4), convolved_filters(made, 1, 30, 30, 4)
        unknown = convolved_filters(made, None, None, None, 4)
        self.assertEqual(
            (few, many, unknown),
            {
                "auto": (mixed, composed, composed),
                "compose": (composed, composed, composed),
                "mix": (mixed, mixed, mixed),
            }[strategy],
        )

    @parameterized.product(
        layer=[Conv2D, Conv2DTranspose],
        settings=[(1, "same", 0.25), (2, "valid", 0.25), (2, "same", 0)],
        shape=[X.shape, (None, None, None, 4)],
    )
    def test_all_ways_give_the_same_values_and_gradients(self, layer, settings, shape):
        found = {}
        for strategy in ("compose", "mix", "auto"):
            made = self.layer(layer, *settings, strategy)
            found[strategy] = self.values_and_gradients(made, shape)
            self.assertAllClose(made(X), found[strategy][0], atol=1e-5)
        for strategy in ("mix", "auto"):
            self.assertLen(found[strategy][1], 2 if settings[-1] == 0 else 3)
            for one, other in zip(tf.nest.flatten(found["compose"]), tf.nest.flatten(found[strategy])):
                self.assertAllClose(one, other, atol=1e-4, rtol=1e-4)

    def layer(self, layer, strides, padding, ratio, strategy):
        initializer = keras.initializers.HeNormal(2)
        recipe = Piggyback(BANK, ratio, seed=1, strategy=strategy, initializer=initializer)
        made = layer(8, (3, 2), strides, padding, recipe=recipe)
        made.build(X.shape)
        return made

    def values_and_gradients(self, layer, shape):
        @tf.function(input_signature=[tf.TensorSpec(shape)])
        def step(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
                loss = tf.reduce_sum(y * tf.sin(tf.reshape(tf.range(tf.size(y), dtype="float32"), tf.shape(y))))
            return y, tape.gradient(loss, [x, *layer.recipe.trainable_variables])

        return step(X)


class EqualStepsTest(tf.test.TestCase, parameterized.TestCase):
    """mixing = V·50/√B: with B = 9 filters, V times 50/3."""

    def test_the_kernel(self):
        recipe = built(Piggyback(BANK, 0.0, equal_steps=True), 6)
        recipe.mixing.assign(DENSE)
        self.assertAllClose(recipe.kernel(), np.einsum("hwib,bo->hwio", BANK, DENSE * 50 / 3), rtol=1e-5, atol=1e-5)

    @parameterized.parameters("compose", "mix")
    def test_both_ways(self, strategy):
        layer = Conv2D(6, (3, 2), recipe=Piggyback(BANK, 0.5, equal_steps=True, strategy=strategy, seed=2))
        plain = keras.layers.Conv2D(6, (3, 2))
        plain.build(X.shape)
        out = layer(X)
        free, v = layer.recipe.unconstrained.numpy(), layer.recipe.mixing.numpy()
        kernel = np.concatenate([free, np.einsum("hwib,bo->hwio", BANK, v * 50 / 3)], -1)
        plain.set_weights([kernel, np.zeros(6)])
        self.assertAllClose(out, plain(X), rtol=1e-4, atol=1e-4)

    def test_it_starts_as_the_same_copy(self):
        recipe = built(Piggyback(BANK, 0.25, start=copying(PLACES[:4]), equal_steps=True), 4)
        self.assertAllClose(recipe.kernel(), BANK[..., PLACES[:4]], rtol=1e-6)

    def test_it_starts_as_near_to_a_kernel(self):
        recipe = built(Piggyback(BANK, 0.25, equal_steps=True), 6)
        recipe.fit_to(np.einsum("hwib,bo->hwio", BANK, DENSE))  # What the bank can make.
        self.assertAllClose(recipe.kernel(), np.einsum("hwib,bo->hwio", BANK, DENSE), atol=1e-4)

    def test_a_random_start_has_the_same_spread(self):
        bank = np.random.default_rng(0).normal(size=(1, 1, 2, 400)).astype("float32")
        for equal in (False, True):
            recipe = built(Piggyback(bank, 0.0, equal_steps=equal, seed=1), 300)
            self.assertAllClose(np.std(recipe.mixing.numpy() * recipe.gain), 400**-0.5, rtol=0.01)

    def test_a_step_of_adam_moves_it_as_far_against_its_size_as_a_free_filter(self):
        recipe = built(Piggyback(BANK, 0.0, equal_steps=True, seed=1), 6)
        before = recipe.mixing.numpy() * 50 / 3
        optimizer = keras.optimizers.Adam(2e-4)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(recipe.kernel() ** 2)
        optimizer.apply_gradients([(tape.gradient(loss, recipe.mixing), recipe.mixing)])
        moved = np.abs(recipe.mixing.numpy() * 50 / 3 - before)
        # Adam's first step is lr for each value; a free filter's is lr/0.02 of its spread, this one's of 1/√9.
        self.assertAllClose(moved / (1 / 3), np.full_like(moved, 2e-4 / 0.02), rtol=1e-2)


if __name__ == "__main__":
    tf.test.main()
