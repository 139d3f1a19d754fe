"""Conformance of every recipe under both layers. A new recipe joins RECIPES."""

import itertools
import os

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import recipes
from pgtf.layers import Conv2D, Conv2DTranspose, folded
from pgtf.recipes import planned

HEIGHT, WIDTH, C_IN, C_OUT = 3, 5, 4, 8
BANK = np.random.default_rng(0).normal(size=(HEIGHT, WIDTH, C_IN, 11)).astype("float32")

KERNEL = BANK[..., :C_OUT]
COPYING = np.eye(11)[:, [3, 0, 10, 7, 1, 9, 2, 5]]

HALF = np.arange(3 * 5 * 4 * 8).reshape(3, 5, 4, 8) % 2 == 0

# name: how to make the recipe, from `recipes` or `planned`, and how many bytes the paper says that it stores.
RECIPES = {
    "full": (lambda of: of.Full(), 4 * (3 * 5 * 4 * 8)),
    "piggyback": (lambda of: of.Piggyback(BANK, seed=1), 4 * (3 * 5 * 4 * 2 + 11 * 6)),
    "piggyback_begun_as_a_copy": (lambda of: of.Piggyback(BANK, start=COPYING), 4 * (3 * 5 * 4 * 2 + 11 * 6)),
    "piggyback_of_equal_steps": (
        lambda of: of.Piggyback(BANK, seed=1, equal_steps=True),
        4 * (3 * 5 * 4 * 2 + 11 * 6),
    ),
    "piggyback_mixed": (lambda of: of.Piggyback(BANK, seed=1, strategy="mix"), 4 * (3 * 5 * 4 * 2 + 11 * 6)),
    "factorized": (lambda of: of.Piggyback(BANK, 0.0, seed=1), 4 * (11 * 8)),
    "all_free": (lambda of: of.Piggyback(BANK, 1.0, seed=1), 4 * (3 * 5 * 4 * 8)),
    "mask": (lambda of: of.Mask(KERNEL), 3 * 5 * 4 * 8 // 8),
    "mask_ternary": (lambda of: of.Mask(KERNEL, ternary=True), 2 * 3 * 5 * 4 * 8 // 8),
    "expanded": (lambda of: of.Expanded([(HALF, KERNEL[HALF])]), 4 * (3 * 5 * 4 * 8 // 2) + 3 * 5 * 4 * 8 // 8),
    "packed": (lambda of: of.Packed([(HALF, KERNEL[HALF])]), 4 * (3 * 5 * 4 * 8 // 2) + 3 * 5 * 4 * 8 // 8),
    "picked": (lambda of: of.Picked([(HALF, KERNEL[HALF])]), 4 * (3 * 5 * 4 * 8 // 2) + 3 * 5 * 4 * 8 // 8),
    "delta": (lambda of: of.Delta(KERNEL), 4 * (3 * 5 * 4 * 8)),
    "modulated": (lambda of: of.Modulated(KERNEL), 4 * (2 * 4 * 8)),
    "low_rank": (lambda of: of.LowRank(KERNEL, rank=3, seed=1), 4 * (2 * 3 * (3 * 5 * 4 + 8))),
    "lora": (lambda of: of.Lora(KERNEL, rank=3, seed=1), 4 * (3 * (3 * 5 * 4 + 8))),
    "partly_free": (lambda of: of.PartlyFree(KERNEL, 0.5), 4 * (3 * 5 * 2 * 8)),
}
LAYERS = {"conv": Conv2D, "transpose": Conv2DTranspose}
CASES = [
    dict(testcase_name=f"{recipe}_{layer}", make=RECIPES[recipe][0], size=RECIPES[recipe][1], layer=LAYERS[layer])
    for recipe in RECIPES
    for layer in LAYERS
]
X = np.random.default_rng(1).normal(size=(2, 6, 7, C_IN)).astype("float32")


def built(make, layer, **named):
    made = layer(
        C_OUT, (HEIGHT, WIDTH), strides=2, padding="same", recipe=make(recipes), bias_initializer="normal", **named
    )
    made.build(X.shape)
    return made


def bytes_of(value):
    """Returns an array's bytes on disk; eight booleans take one byte."""
    return -(-value.size // 8) if value.dtype == bool else value.nbytes


def moved(made):
    """Somewhere else than at the start, where some gradients are zero by design."""
    for number, variable in enumerate(made.trainable_variables):
        variable.assign(np.random.default_rng(number + 7).normal(size=variable.shape))
    return made


@parameterized.named_parameters(CASES)
class ConformanceTest(tf.test.TestCase, parameterized.TestCase):
    def test_kernel_has_the_canonical_shape_and_the_output_the_promised_one(self, make, size, layer):
        made = built(make, layer)
        self.assertEqual(made.recipe.kernel().shape, (HEIGHT, WIDTH, C_IN, C_OUT))
        self.assertEqual(made(X).shape, made.compute_output_shape(X.shape))

    def test_every_trainable_gets_a_gradient(self, make, size, layer):
        made = moved(built(make, layer))

        def gradients():
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(made(X) ** 2)
            return tape.gradient(loss, made.trainable_variables)

        traced = tf.function(gradients)()
        self.assertNotEmpty(traced)
        for one, other in zip(gradients(), traced):
            self.assertGreater(np.abs(one).max(), 0)
            self.assertAllClose(one, other, rtol=1e-4, atol=1e-4)

    def test_frozen_variables_are_bit_equal_after_a_step_and_the_others_are_not(self, make, size, layer):
        made = moved(built(make, layer))
        frozen = [v.numpy() for v in made.non_trainable_variables]
        trained = [v.numpy() for v in made.trainable_variables]
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(made(X) ** 2)
        adam = keras.optimizers.Adam(0.01)
        adam.apply_gradients(zip(tape.gradient(loss, made.trainable_variables), made.trainable_variables))
        for before, after in zip(frozen, made.non_trainable_variables):
            self.assertAllEqual(before, after)
        for before, after in zip(trained, made.trainable_variables):
            self.assertNotAllEqual(before, after)

    def test_its_state_restored_is_the_same_kernel(self, make, size, layer):
        made, again = moved(built(make, layer)), built(make, layer)
        self.assertNotAllEqual(made.recipe.kernel(), again.recipe.kernel())
        again.recipe.restore(made.recipe.state())
        self.assertAllEqual(made.recipe.kernel(), again.recipe.kernel())

    def test_stored_size_is_the_papers(self, make, size, layer):
        recipe = built(make, layer).recipe
        self.assertEqual(sum(map(bytes_of, recipe.state().values())), size)

    def test_specs_are_known_before_anything_is_built_and_say_what_is_stored(self, make, size, layer):
        specs = make(recipes).specs((HEIGHT, WIDTH, C_IN, C_OUT))
        stored = built(make, layer).recipe.state()
        self.assertEqual(
            {name: spec.bytes for name, spec in specs.items()},
            {name: bytes_of(value) for name, value in stored.items()},
        )
        for name, value in stored.items():
            if value.dtype == "float32":  # Else several are packed into a byte.
                self.assertEqual((specs[name].shape, specs[name].bits), (value.shape, 32))

    def test_planned_it_stores_the_same(self, make, size, layer):
        shape = (HEIGHT, WIDTH, C_IN, C_OUT)
        for precision in ("", "float16"):
            made, plan = make(recipes), make(planned)
            made.precision = plan.precision = precision
            self.assertEqual(plan.stored(shape), made.stored(shape))

    def test_what_is_lent_are_filters_of_this_kernel(self, make, size, layer):
        for name, spec in make(recipes).specs((HEIGHT, WIDTH, C_IN, C_OUT)).items():
            if spec.lent:
                self.assertEqual(spec.shape[:-1], (HEIGHT, WIDTH, C_IN), name)

    def test_folding_changes_nothing(self, make, size, layer):
        image = keras.Input((None, None, C_IN))
        model = keras.Model(image, built(make, layer)(image))
        plain = folded(model)
        self.assertNotIsInstance(plain.layers[-1], layer)
        self.assertAllClose(model(X), plain(X), atol=1e-5)

    def test_half_precision_computes_in_it_and_stores_in_float32(self, make, size, layer):
        for policy in ("mixed_float16", "mixed_bfloat16"):
            keras.mixed_precision.set_global_policy(policy)
            try:
                made = built(make, layer)
                y = made(X)
            finally:
                keras.mixed_precision.set_global_policy("float32")
            self.assertEqual(y.dtype.name, policy[len("mixed_") :])
            self.assertTrue(all(v.dtype in ("float32", "bool") for v in made.weights))
            exact = made.convolve(X, made.recipe.kernel())
            self.assertAllClose(tf.cast(y, "float32") - made.bias, exact, atol=0.02 * np.abs(exact).max())


@parameterized.named_parameters(
    ("both", [Conv2D, Conv2DTranspose]), ("conv_long", [Conv2D]), ("transpose_long", [Conv2DTranspose])
)
class SavedTest(tf.test.TestCase, parameterized.TestCase):
    """All recipes in one model, side by side: saving costs seconds, whatever is saved."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.create_tempdir().full_path, "model.keras")

    def model(self, layers):
        image, kinds = keras.Input((None, None, C_IN)), itertools.cycle(layers)
        made = {name: moved(built(make, next(kinds), name=name)) for name, (make, _) in RECIPES.items()}
        return keras.Model(image, {name: one(image) for name, one in made.items()})

    def test_loaded_it_is_the_same(self, layers):
        model = self.model(layers)
        expected = model(X)
        model.save(self.path)
        loaded = keras.models.load_model(self.path)
        answers = loaded(X)
        for name in RECIPES:
            self.assertAllEqual(answers[name], expected[name], name)
        for one, other in zip(loaded.layers[1:], model.layers[1:]):
            self.assertEqual(one.recipe.state().keys(), other.recipe.state().keys())

    def test_served_it_answers_the_same(self, layers):
        model = self.model(layers)
        tf.saved_model.save(model, self.path)
        signature = tf.saved_model.load(self.path).signatures["serving_default"]
        answers, expected = signature(tf.constant(X)), model(X)
        for name in RECIPES:
            self.assertAllClose(answers[name], expected[name], atol=1e-5, msg=name)


if __name__ == "__main__":
    tf.test.main()
