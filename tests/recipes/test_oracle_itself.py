"""The oracle against TensorFlow's own operators, and against sums small enough to do by hand."""

import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tests.recipes import oracle

KERNEL_SIZES = [(1, 1), (3, 3), (5, 5), (3, 5), (4, 4), (2, 4)]
CONVOLUTIONS = list(itertools.product(KERNEL_SIZES, [1, 2, 3], ["same", "valid"]))


class OracleTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(3)

    @parameterized.parameters(*CONVOLUTIONS)
    def test_conv_is_tensorflows(self, kernel_size, strides, padding):
        x = self.rng.normal(size=[2, 6, 7, 3])
        kernel = self.rng.normal(size=[*kernel_size, 3, 4])
        expected = tf.nn.conv2d(x, kernel, strides, padding.upper())
        self.assertAllClose(expected, oracle.conv(x, kernel, strides, padding), 1e-9, 1e-9)

    @parameterized.parameters(*CONVOLUTIONS)
    def test_conv_transpose_is_tensorflows(self, kernel_size, strides, padding):
        x = self.rng.normal(size=[2, 4, 5, 3])
        kernel = self.rng.normal(size=[*kernel_size, 3, 4])
        grown = [
            size * strides + (max(k - strides, 0) if padding == "valid" else 0)
            for size, k in zip(x.shape[1:3], kernel_size)
        ]
        expected = tf.nn.conv2d_transpose(x, kernel.transpose(0, 1, 3, 2), [2, *grown, 4], strides, padding.upper())
        found = oracle.conv_transpose(x, kernel, strides, padding)
        self.assertAllClose(expected, found, 1e-9, 1e-9)

    @parameterized.product(kernel_size=[(1, 1), (3, 5), (4, 4)], strides=[1, 2], padding=["same", "valid"])
    def test_conv_transpose_is_kerass(self, kernel_size, strides, padding):
        x = self.rng.normal(size=[1, 4, 5, 3]).astype(np.float32)
        kernel = self.rng.normal(size=[*kernel_size, 3, 4]).astype(np.float32)
        layer = keras.layers.Conv2DTranspose(4, kernel_size, strides, padding, use_bias=False)
        layer.build(x.shape)
        layer.set_weights([kernel.transpose(0, 1, 3, 2)])
        found = oracle.conv_transpose(x, kernel, strides, padding)
        self.assertAllClose(layer(x), found, 1e-4, 1e-4)

    @parameterized.parameters((1, 2), (2, 1), (3, 2))
    def test_strides_may_differ(self, down, right):
        x = self.rng.normal(size=[2, 6, 7, 3])
        kernel = self.rng.normal(size=[3, 4, 3, 2])
        for padding in ["same", "valid"]:
            expected = tf.nn.conv2d(x, kernel, [down, right], padding.upper())
            found = oracle.conv(x, kernel, (down, right), padding)
            self.assertAllClose(expected, found, 1e-9, 1e-9)

    def test_kernel_of_undoes_matrix(self):
        kernel = self.rng.normal(size=[2, 3, 4, 5])
        self.assertAllEqual(oracle.kernel_of(oracle.matrix(kernel), 2, 3, 4), kernel)

    def test_matrix_has_one_filter_a_column(self):
        kernel = self.rng.normal(size=[2, 3, 4, 5])
        for index in range(5):
            self.assertCountEqual(oracle.matrix(kernel)[:, index], kernel[..., index].ravel())

    def test_made_kernel_permutes_whole_filters(self):
        early, late = self.rng.normal(size=[2, 3, 4, 2]), self.rng.normal(size=[2, 3, 4, 1])
        # Column j of the mixing says what piggyback filter j copies: filters 2, 0, 1 of the bank.
        mixing = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
        made = oracle.made_kernel([early, late], mixing, np.zeros([2, 3, 4, 0]))
        self.assertAllEqual(made, np.concatenate([late, early], axis=-1))

    def test_made_kernel_by_hand(self):
        # Filters [1, 2] and [3, 5] of a 1x1 kernel; 2 * [1, 2] - [3, 5] = [-1, -1].
        bank = np.reshape([1.0, 3.0, 2.0, 5.0], [1, 1, 2, 2])
        free = np.reshape([7.0, 0.0], [1, 1, 2, 1])
        made = oracle.made_kernel([bank], [[2.0], [-1.0]], free)
        self.assertAllEqual(made[0, 0], [[7.0, -1.0], [0.0, -1.0]])

    def test_span_residual_by_hand(self):
        # The bank spans the first two of three axes.
        bank = np.reshape([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]], [1, 1, 3, 2])
        filters = np.reshape([[5.0, 0.0, 3.0], [-2.0, 0.0, 0.0], [0.0, 6.0, 4.0]], [1, 1, 3, 3])
        self.assertAllClose(oracle.span_residual(filters, bank), [0.0, 1.0, 0.8], atol=1e-12)


if __name__ == "__main__":
    tf.test.main()
