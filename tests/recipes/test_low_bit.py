"""Low-bit quantization, held against its formula value by value, and against numbers worked out by hand."""

import itertools

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from pgtf.recipes.low_bit import LEVELS, dequantize, quantize
from pgtf.recipes.low_bit_training import SCALE_OVER_MEAN, fake_quantize

# The squared error of the best uniform quantizer of a normal variable, as a fraction of the variance (Max, IRE 1960,
# for even numbers of levels).
OPTIMUM = {1: 0.3634, 1.58: 0.1902, 2: 0.1188, 3: 0.03744, 4: 0.01154}


def normal(*shape, seed=0):
    """Normal values whose spread differs between filters."""
    draw = np.random.default_rng(seed)
    return (draw.normal(size=shape) * 10.0 ** draw.uniform(-3, 3, size=shape[-1])).astype("float32")


def error(values, bits, group=None):
    return np.sum((dequantize(*quantize(values, bits, group), bits) - values) ** 2, axis=tuple(range(values.ndim - 1)))


class ByHandTest(parameterized.TestCase):
    @parameterized.parameters(
        (1, [3.0, -1.0, -2.0, 2.0], [1, 0, 0, 1], 4.0),  # ± the mean of |x|.
        (1.58, [2.0, 0.1, -2.0, -0.1], [2, 1, 0, 1], 2.0),
        (2, [1.5, -0.5, 0.5, -1.5], [3, 1, 2, 0], 1.0),
        (3, [3.5, -0.5, 1.5, -2.5], [7, 3, 5, 1], 1.0),
        (8, [127.5, -127.5, 0.5, -63.5], [255, 0, 128, 64], 1.0),
    )
    def test_one_filter(self, bits, values, codes, scale):
        values = np.array(values, "float32")[:, None]
        found, scales = quantize(values, bits)
        np.testing.assert_array_equal(found[:, 0], codes)
        np.testing.assert_allclose(scales, [[scale]], rtol=1e-6)
        self.assertEqual((found.dtype, scales.dtype), (np.uint8, np.float32))
        expected = (np.array(codes) - (LEVELS[bits] - 1) / 2) * scale
        np.testing.assert_allclose(dequantize(found, scales, bits)[:, 0], expected, rtol=1e-6)

    @parameterized.parameters(*LEVELS)
    def test_zeros_stay_zeros(self, bits):
        values = np.zeros([3, 2], "float32")
        values[:, 1] = 1
        made = dequantize(*quantize(values, bits), bits)
        np.testing.assert_array_equal(made[:, 0], 0)
        np.testing.assert_allclose(made[:, 1], 1, rtol=2**-8)


class FormulaTest(parameterized.TestCase):
    @parameterized.product(bits=list(LEVELS), group=(None, 1, 5, 7, 12, 100))
    def test_is_the_formula_value_by_value(self, bits, group):
        values = normal(2, 3, 4, 5)
        codes, scales = quantize(values, bits, group)
        self.assertEqual(codes.shape, values.shape)
        self.assertEqual(scales.shape, (-(-24 // (group or 24)), 5))
        made = dequantize(codes, scales, bits)
        for index in itertools.product(*map(range, values.shape)):
            place = index[0] * 12 + index[1] * 4 + index[2]
            (of,) = (g for g in range(len(scales)) if g * 24 // len(scales) <= place < (g + 1) * 24 // len(scales))
            scale = scales[of, index[3]]
            levels = scale * (np.arange(LEVELS[bits]) - (LEVELS[bits] - 1) / 2).astype("float32")
            self.assertEqual(made[index], levels[codes[index]])
            off = np.abs(levels - values[index])
            self.assertLessEqual(off[codes[index]], off.min() + 1e-6 * scale)

    @parameterized.parameters(*LEVELS)
    def test_order_of_a_filter_s_values_is_of_no_account_and_that_of_filters_is(self, bits):
        values = normal(2, 3, 4, 5)
        codes, scales = quantize(values, bits)
        turned, same = quantize(values.transpose(2, 0, 1, 3), bits)
        np.testing.assert_array_equal(turned, codes.transpose(2, 0, 1, 3))
        np.testing.assert_allclose(same, scales, rtol=1e-6)
        backwards, others = quantize(values[..., ::-1], bits)
        np.testing.assert_array_equal(backwards, codes[..., ::-1])
        np.testing.assert_array_equal(others, scales[:, ::-1])
        self.assertNotEqual(quantize(values.transpose(3, 0, 1, 2), bits)[1].shape, scales.shape)

    def test_values_that_are_their_codes_come_back_to_the_bit(self):
        for bits, group in itertools.product(LEVELS, (None, 6)):
            codes, scales = quantize(normal(3, 3, 4, 2), bits, group)
            made = dequantize(codes, scales, bits)
            np.testing.assert_array_equal(dequantize(*quantize(made, bits, group), bits), made)


class ErrorTest(parameterized.TestCase):
    @parameterized.parameters(*OPTIMUM.items())
    def test_is_that_of_the_best_uniform_quantizer(self, bits, optimum):
        values = normal(4000, 6)
        found = np.mean(error(values, bits) / np.sum(values**2, axis=0))
        self.assertBetween(found, 0.97 * optimum, 1.06 * optimum)

    @parameterized.parameters((1, 0.952), (1.58, 0.749), (2, 0.745), (3, 0.544), (4, 0.353), (8, 0.0))
    def test_gains_over_the_largest_value_as_stated(self, bits, gain):
        values = np.random.default_rng(0).normal(size=(1152, 128)).astype("float32")
        scales = (2 * np.abs(values).max(axis=0, keepdims=True) / (LEVELS[bits] - 1)).astype("float32")
        codes = np.clip(np.floor(values / scales + LEVELS[bits] / 2), 0, LEVELS[bits] - 1).astype("uint8")
        by_largest = np.sum((dequantize(codes, scales, bits) - values) ** 2)
        self.assertAlmostEqual(1 - np.sum(error(values, bits)) / by_largest, gain, delta=0.015)

    def test_smaller_groups_have_less(self):
        values = np.concatenate([normal(64, 4), 100 * normal(64, 4, seed=1)])
        whole, groups, small = (error(values, 2, group).sum() for group in (None, 64, 16))
        self.assertLess(groups, whole)
        self.assertLess(small, groups)

    def test_one_outlier_is_given_up(self):
        values = normal(1000, 1)
        values[0] = 50 * np.abs(values).max()
        codes, _ = quantize(values, 8)
        self.assertLess(error(values[1:], 8, None).sum(), error(values, 8).sum())
        self.assertEqual(codes[0], 255 if values[0] > 0 else 0)


class BadInputTest(absltest.TestCase):
    def test_is_refused(self):
        good = np.ones([2, 3], "float32")
        with self.assertRaisesRegex(ValueError, "bits must be one of 1, 1.58, 2, 3, 4, 8. Received: 5"):
            quantize(good, 5)
        for bad, group in ((good[0], None), (good[:0], None), (good * np.nan, None), (good * np.inf, None), (good, 0)):
            with self.assertRaisesRegex(ValueError, "must be finite.*Received: shape"):
                quantize(bad, 2, group)


class FakeQuantizeTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*LEVELS)
    def test_is_the_formula_value_by_value(self, bits):
        values, levels = normal(3, 3, 16, 9), LEVELS[bits]
        made = fake_quantize(values, bits).numpy()
        for filter in range(values.shape[-1]):
            of = np.abs(values[..., filter].astype("float64"))
            scale = SCALE_OVER_MEAN[bits] * of.mean()
            if levels > 2:
                scale = min(scale, 2 * of.max() / (levels - 2))
            grid = scale * (np.arange(levels) - (levels - 1) / 2)
            found = made[..., filter]
            self.assertAllClose(
                np.abs(found[..., None] - grid).min(-1), np.zeros(found.shape), atol=0.01 * scale * levels
            )
            nearest = np.abs(values[..., filter, None] - grid).min(-1)
            self.assertAllLessEqual(np.abs(found - values[..., filter]) - nearest, 0.01 * scale * levels)

    @parameterized.parameters(*LEVELS)
    def test_the_codec_finds_its_codes_and_scales_again_to_the_bit(self, bits):
        values = normal(3, 3, 16, 9)
        values[..., 4] = 0
        values[..., 5] = values[..., 5] ** 3  # Few large values.
        values[..., 6] = np.sign(values[..., 6])
        made = fake_quantize(values, bits)
        self.assertAllEqual(made[..., 4], tf.zeros([3, 3, 16]))
        self.assertAllEqual(dequantize(*quantize(made, bits), bits), made)

    @parameterized.parameters(*OPTIMUM.items())
    def test_error_is_near_that_of_the_best_uniform_quantizer(self, bits, optimum):
        values = normal(4000, 6)
        found = np.sum((fake_quantize(values, bits).numpy() - values) ** 2, axis=0) / np.sum(values**2, axis=0)
        self.assertBetween(np.mean(found), 0.97 * optimum, 1.06 * optimum)

    def test_gradient_is_the_identity_s(self):
        values, weights = tf.Variable(normal(4, 3)), normal(4, 3, seed=1)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(weights * fake_quantize(values, 2))
        self.assertAllEqual(tape.gradient(loss, values), weights)


if __name__ == "__main__":
    tf.test.main()
