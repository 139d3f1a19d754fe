"""Compression of one kernel: what each kind stores of it."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.compression.kernel_pair import KINDS, KernelPair, fits
from pgtf.storage import quantization


class KernelPairTest(tf.test.TestCase, parameterized.TestCase):
    def test_factors_are_the_nearest_product_of_their_rank(self):
        draw = np.random.default_rng(0)
        first, left, right = draw.normal(size=(3, 2, 5, 8)), draw.normal(size=(30, 4)), draw.normal(size=(4, 8))
        kernel = (first + (left @ right).reshape(first.shape)).astype("float32")
        made, size = KernelPair(kernel, first).compressed("lora(4):int8")
        self.assertAllClose(made - first, (left @ right).reshape(first.shape), atol=0.15)  # But for int8.
        self.assertEqual(size, 4 * (30 + 8) + 4 * (4 + 8))  # Codes, and a scale for each column.
        noise = draw.normal(size=first.shape)
        one, other = KernelPair(noise, 0 * noise).factors(3)
        values = np.linalg.svd(noise.reshape(30, 8), compute_uv=False)
        self.assertAllClose(np.sum((one @ other - noise.reshape(30, 8)) ** 2), np.sum(values[3:] ** 2))
        self.assertAllClose(np.linalg.norm(one, axis=0), np.linalg.norm(other, axis=1))

    def test_a_rank_above_the_kernels_is_no_choice(self):
        self.assertTrue(fits("lora(4):int8", (3, 3, 2, 4)))
        self.assertFalse(fits("lora(16):int8", (3, 3, 2, 4)))
        self.assertFalse(fits("lora(4):int8", (1, 1, 3, 9)))
        self.assertTrue(fits("free:int8", (1, 1, 3, 9)))

    @parameterized.parameters(*(kind for kind in KINDS if not kind.startswith("lora")))
    def test_a_kernel_is_what_its_kind_stores(self, kind):
        first, kernel = np.random.default_rng(0).normal(size=(2, 3, 2, 5, 4)).astype("float32")
        made, size = KernelPair(kernel, first).compressed(kind)
        if kind == "frozen":
            self.assertAllEqual(made, first)
            self.assertEqual(size, 0)
            return
        values = kernel if kind == "free:int8" else kernel - first
        rest = made if kind == "free:int8" else made - first
        most = quantization.stored_bytes(kernel.shape, 32, "float32", KINDS[kind])
        self.assertEqual(KernelPair(kernel, first).compressed(kind, final=False)[1], most)
        self.assertLessEqual(size, most)
        for filter in range(4):
            levels = 1 + np.sum(np.diff(np.sort(rest[..., filter], axis=None)) > 1e-3)
            self.assertLessEqual(levels, {"delta(1)": 2, "delta(1.58)": 3, "delta(2)": 4, "delta(3)": 8}.get(kind, 30))
        self.assertLess(np.sum((rest - values) ** 2), 0.6 * np.sum(values**2))


if __name__ == "__main__":
    tf.test.main()
