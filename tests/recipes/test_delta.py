"""Delta, held against its equation in numpy: codes, scales, kernel and output."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import Conv2D, Conv2DTranspose
from pgtf.recipes import Delta
from pgtf.recipes.low_bit import LEVELS, as_scales
from pgtf.storage import quantization

SHAPE = (3, 2, 5, 4)
BANK, DIFFERENCE = (
    (np.random.default_rng(seed).normal(size=SHAPE) * [0.1, 1, 3, 20]).astype("float32") for seed in (0, 1)
)
# The best scale of normal values as a multiple of the mean of |x|.
SCALE = {1: 2.0, 1.58: 1.534, 2: 1.248, 3: 0.7344, 4: 0.4201}


def written(bits):
    """The kernel, from the equation: a scale for each filter, codes by rounding."""
    levels, kernel = LEVELS[bits], np.zeros(SHAPE, "float32")
    for filter in range(SHAPE[-1]):
        values = DIFFERENCE[..., filter]
        scale = SCALE[bits] * np.abs(values).mean()
        if levels > 2:
            scale = min(scale, np.abs(values).max() / (levels / 2 - 1) * (1 - 2**-8))
        (scale,) = as_scales([scale])
        codes = np.clip(np.floor(values / scale + np.float32(levels / 2)), 0, levels - 1)
        kernel[..., filter] = BANK[..., filter] + scale * (codes - np.float32((levels - 1) / 2))
    return kernel


def built(bits, layer=Conv2D):
    made = layer(SHAPE[-1], SHAPE[:2], strides=2, padding="same", recipe=Delta(BANK, bits))
    made.build((1, 6, 7, SHAPE[2]))
    made.recipe.difference.assign(DIFFERENCE)
    return made


class DeltaTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*SCALE)
    def test_kernel_is_the_equation_s(self, bits):
        self.assertAllEqual(built(bits).recipe.kernel(), written(bits))

    @parameterized.parameters(Conv2D, Conv2DTranspose)
    def test_output_is_that_of_the_equation_s_kernel(self, layer):
        x = np.random.default_rng(2).normal(size=(1, 6, 7, SHAPE[2])).astype("float32")
        made = built(2, layer)
        self.assertAllClose(made(x), made.convolve(x, written(2)) + made.bias, rtol=1e-5)

    def test_begins_as_the_bank_to_the_bit(self):
        made = Conv2D(SHAPE[-1], SHAPE[:2], recipe=Delta(BANK, 1))
        made.build((1, 6, 7, SHAPE[2]))
        self.assertAllEqual(made.recipe.kernel(), BANK)

    @parameterized.product(bits=list(SCALE), rounding=(True, False))
    def test_what_is_stored_makes_the_kernel_again_to_the_bit(self, bits, rounding):
        """Also if it was trained freely: then the codec chooses codes and scales, and the kernel is theirs."""
        recipe, precision = built(bits).recipe, f"delta{bits:g}"
        recipe.rounding.assign(rounding)
        (stored,) = recipe.state().values()
        stream = quantization.encoded(stored, precision)
        self.assertLessEqual(stream.nbytes, quantization.stored_bytes(SHAPE, 32, "float32", precision))
        read = quantization.decoded(stream, SHAPE, precision)
        again = built(bits).recipe
        again.restore({"difference": read})
        self.assertAllEqual(again.kernel(), BANK + read)
        if rounding:
            self.assertAllEqual(again.kernel(), recipe.kernel())
        self.assertAllEqual(quantization.encoded(again.state()["difference"], precision), stream)

    def test_the_gradient_passes_straight_through(self):
        recipe, weights = built(2).recipe, np.random.default_rng(3).normal(size=SHAPE).astype("float32")
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(weights * recipe.kernel())
        self.assertAllEqual(tape.gradient(loss, recipe.difference), weights)

    def test_bits_without_levels_are_refused(self):
        with self.assertRaisesRegex(ValueError, "bits must be one of 1, 1.58, 2, 3, 4, 8. Received: 5"):
            Delta(BANK, 5)


if __name__ == "__main__":
    tf.test.main()
