"""Rounding, held against numbers worked out by hand."""

import numpy as np
from absl.testing import absltest, parameterized

from pgtf.recipes.precisions import LOW_BITS
from pgtf.storage import quantization


class RoundingTest(parameterized.TestCase):
    def test_int8_by_hand_has_a_scale_for_each_filter(self):
        value = np.array([[127.0, 0.0, -2.54], [-63.4, 0.0, 0.031]], "float32")
        codes, scales = quantization.rounded(value, "int8")
        np.testing.assert_array_equal(codes, np.array([[127, 0, -127], [-63, 0, 2]], "int8"))
        np.testing.assert_allclose(scales, [1, 0, 0.02], rtol=1e-6)
        np.testing.assert_allclose(quantization.restored(codes, scales), [[127, 0, -2.54], [-63, 0, 0.04]], rtol=1e-6)
        self.assertEqual((codes.dtype, scales.dtype), (np.int8, np.float32))

    def test_int8_is_off_by_half_a_step_of_its_own_filter_at_most(self):
        draw = np.random.default_rng(0)
        value = (draw.normal(size=[3, 2, 5, 4]) * [1, 100, 1e-3, 7]).astype("float32")
        off = np.abs(quantization.restored(*quantization.rounded(value, "int8")) - value).max(axis=(0, 1, 2))
        step = np.abs(value).max(axis=(0, 1, 2)) / 127
        self.assertTrue((off <= 0.501 * step).all() and (off > 0.1 * step).all())

    def test_float16_is_numpys(self):
        value = np.array([[1 / 3, -1e-5], [2049, 6e4]], "float32")
        codes, scales = quantization.rounded(value, "float16")
        self.assertIsNone(scales)
        np.testing.assert_array_equal(quantization.restored(codes, scales), value.astype("float16").astype("float32"))

    @parameterized.parameters(("float16", 7e4), ("float16", np.nan), ("int8", np.nan), ("int8", np.inf))
    def test_what_does_not_fit_is_refused(self, precision, odd):
        with self.assertRaisesRegex(ValueError, f"stored as {precision} must be in its range. Received: up to"):
            quantization.rounded(np.array([[1.0, odd]], "float32"), precision)

    @parameterized.parameters(
        ((4, 4, 3, 8), 32, "float32", 1536),
        ((4, 4, 3, 8), 32, "float16", 768),
        ((4, 4, 3, 8), 32, "int8", 384 + 32),
        ((9, 5), 32, "int8", 45 + 20),
        ((9,), 32, "int8", 36),  # A vector.
        ((9, 5), 1, "int8", 6),  # A mask.
    )
    def test_bytes(self, shape, bits, precision, expected):
        self.assertEqual(quantization.stored_bytes(shape, bits, precision), expected)


class LowBitTest(parameterized.TestCase):
    @parameterized.product(
        precision=list(LOW_BITS), shape=((3, 2, 5, 4), (4, 4, 40, 6), (2, 300), (300, 2), (1, 7), (7, 1))
    )
    def test_round_trip_keeps_codes_and_the_place_of_each_value(self, precision, shape):
        value = np.random.default_rng(0).normal(size=shape).astype("float32") * (1 + np.arange(shape[-1]))
        stream = quantization.encoded(value, precision)
        made = quantization.decoded(stream, shape, precision)
        self.assertEqual((made.shape, made.dtype), (shape, np.float32))
        bits, _ = LOW_BITS[precision]
        error = np.sum((made - value) ** 2) / np.sum(value**2)
        self.assertLess(error, {1: 0.65, 1.58: 0.4, 2: 0.35, 3: 0.12, 4: 0.05}[bits])
        np.testing.assert_array_equal(quantization.encoded(made, precision), stream)
        self.assertLessEqual(stream.nbytes, quantization.stored_bytes(shape, 32, precision))

    def test_bytes_by_hand(self):
        # Head 16, shape 8, scales 2 each, codes.
        self.assertEqual(quantization.stored_bytes((4, 4, 40, 6), 32, "int4"), 24 + 2 * 10 * 6 + 3840 // 2)
        self.assertEqual(quantization.stored_bytes((4, 4, 40, 6), 32, "float32", "delta1"), 24 + 2 * 6 + 3840 // 8)
        self.assertEqual(quantization.stored_bytes((2, 300), 32, "int4"), 24 + 2 * 2 * 5 + 300)  # 300 in 5 groups.

    def test_a_stream_of_another_array_or_precision_is_refused(self):
        stream = quantization.encoded(np.ones([4, 3], "float32"), "int4")
        for shape, precision in (((6, 2), "int4"), ((4, 3), "int2"), ((12, 1), "int4")):
            with self.assertRaisesRegex(ValueError, f"A stream of {precision} must hold an array of shape"):
                quantization.decoded(stream, shape, precision)


if __name__ == "__main__":
    absltest.main()
