"""Equalized and modulated convolutions, noise and resampling, against the formula."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import recipes
from pgtf.layers.equalized import EqualizedConv2D, ModulatedConv2D
from pgtf.layers.noise import Noise
from pgtf.layers.resampling import Doubled, Smooth
from tests.networks import style_oracle
from tests.recipes import oracle
from tests.recipes.test_conformance import C_IN, C_OUT, HEIGHT, RECIPES, WIDTH

DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(2, 6, 7, C_IN)).astype("float32")
STYLE = DRAW.normal(1, 0.5, size=(2, C_IN)).astype("float32")


def built(kind, recipe=None, size=(HEIGHT, WIDTH), shape=X.shape, **settings):
    """A layer with biases, and its kernel as it is used."""
    layer = kind(C_OUT, size, padding="same", recipe=recipe, bias_initializer="normal", **settings)
    layer.build([shape, STYLE.shape] if kind is ModulatedConv2D else shape)
    kernel = np.asarray(layer.recipe.kernel(), "float64")
    return layer, style_oracle.scaled(kernel), np.asarray(layer.bias, "float64")


class EqualizedTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*RECIPES)
    def test_a_modulated_made_kernel_is_that_of_the_formula(self, name):
        for demodulates in (True, False):
            layer, kernel, bias = built(ModulatedConv2D, RECIPES[name][0](recipes), demodulates=demodulates)
            expected = style_oracle.modulated(X, STYLE, kernel, demodulates=demodulates) + bias
            self.assertAllClose(layer([X, STYLE]), expected, atol=1e-5)

    def test_doubling_is_a_transposed_convolution_and_the_filter(self):
        layer, kernel, bias = built(ModulatedConv2D, size=(3, 3), doubles=True)
        made = layer([X, STYLE])
        self.assertEqual(made.shape, (2, 12, 14, C_OUT))
        self.assertEqual(layer.compute_output_shape([X.shape, STYLE.shape]), (2, 12, 14, C_OUT))
        self.assertAllClose(made, style_oracle.modulated(X, STYLE, kernel, doubles=True) + bias, atol=1e-5)

    @parameterized.parameters(*RECIPES)
    def test_an_equalized_made_kernel_is_scaled(self, name):
        layer, kernel, bias = built(EqualizedConv2D, RECIPES[name][0](recipes), rate=0.1)
        expected = oracle.conv(X, 0.1 * kernel, padding="same") + 0.1 * bias
        self.assertAllClose(layer(X), expected, atol=1e-5)
        self.assertAllClose(layer.kernel, 0.1 * kernel, atol=1e-6)

    def test_modulation_and_half_precision(self):
        layer, kernel, bias = built(ModulatedConv2D, dtype="mixed_bfloat16")
        made = layer([tf.cast(X, "bfloat16"), tf.cast(STYLE, "bfloat16")])
        self.assertEqual(made.dtype, "bfloat16")
        self.assertAllClose(tf.cast(made, "float32"), style_oracle.modulated(X, STYLE, kernel) + bias, atol=0.06)


class ResamplingTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(((2, 2), 1), ((1, 1), 2), ((1, 1), 1))
    def test_smoothing(self, margins, strides):
        layer = Smooth(margins, strides)
        expected = style_oracle.fir(X, *margins, stride=strides)
        self.assertAllClose(layer(X), expected, atol=1e-6)
        self.assertEqual(layer.compute_output_shape(X.shape), expected.shape)

    def test_doubling(self):
        expected = style_oracle.fir(style_oracle.spread_out(X), 2, 1, gain=4)
        self.assertAllClose(Doubled()(X), expected, atol=1e-6)


class NoiseTest(tf.test.TestCase):
    def layer(self, seed=1):
        layer = Noise(seed=seed, name="conv8_noise")
        layer.build(X.shape)
        layer.strength.assign([0.5])
        return layer

    def test_noise_outside_of_training_is_constant_in_all_versions(self):
        noise = (np.asarray(self.layer()(X)) - X) / 0.5
        self.assertAllClose(noise, np.broadcast_to(noise[:1, :, :, :1], noise.shape), atol=1e-6)
        self.assertAllClose(noise[0, 0, :3, 0], [-0.427545, -1.476704, 0.108476], atol=1e-4)
        self.assertAllClose(np.asarray(self.layer(seed=2)(X)), np.asarray(self.layer()(X)))

    def test_noise_of_training_follows_from_seed_and_count(self):
        layer = self.layer()
        first, second = (np.asarray(layer(X, training=True)) - X for _ in range(2))
        self.assertNotAllClose(first, second)
        self.assertNotAllClose(first[0], first[1])
        layer.draws.assign(0)
        self.assertAllEqual(np.asarray(layer(X, training=True)) - X, first)
        self.assertNotAllClose(np.asarray(self.layer(seed=2)(X, training=True)) - X, first)


if __name__ == "__main__":
    tf.test.main()
