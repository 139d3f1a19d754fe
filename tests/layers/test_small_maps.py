"""Convolutions as matrix products give what TensorFlow's own give."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import Conv2D, Conv2DTranspose, small_maps


def drawn(*shape):
    return tf.constant(np.random.default_rng(sum(shape)).normal(size=shape).astype("float32"))


class SmallMapsTest(tf.test.TestCase, parameterized.TestCase):
    def check(self, ours, theirs, *sources):
        """Two functions of x and kernel have the same values and the same gradients."""
        weights, gradients = None, []
        for function in (ours, theirs):
            with tf.GradientTape() as tape:
                tape.watch(sources)
                y = function(*sources)
                weights = drawn(*y.shape) if weights is None else weights
                loss = tf.reduce_sum(y * weights)
            gradients.append([y, *tape.gradient(loss, sources)])
        for one, other in zip(*gradients):
            self.assertAllClose(one, other, atol=1e-4, rtol=1e-5)

    @parameterized.parameters(
        ((2, 8, 6, 3), (4, 4), (2, 2), "same"),
        ((2, 2, 2, 3), (4, 4), (2, 2), "same"),
        ((1, 7, 5, 3), (3, 2), (2, 3), "same"),
        ((1, 7, 5, 3), (3, 2), (2, 3), "valid"),
        ((2, 5, 4, 3), (3, 3), (1, 1), "same"),
        ((2, 3, 3, 3), (3, 3), (1, 1), "valid"),
    )
    def test_convolution(self, shape, size, strides, padding):
        self.check(
            lambda x, kernel: small_maps.convolved(x, kernel, strides, padding),
            lambda x, kernel: tf.nn.conv2d(x, kernel, strides, padding.upper()),
            drawn(*shape),
            drawn(*size, shape[-1], 5),
        )

    @parameterized.parameters(
        ((2, 4, 3, 3), (4, 4), (2, 2), "same"),
        ((2, 1, 1, 3), (4, 4), (2, 2), "same"),
        ((1, 3, 5, 3), (3, 2), (2, 3), "same"),
        ((1, 3, 5, 3), (3, 2), (2, 3), "valid"),
        ((1, 3, 2, 3), (5, 3), (2, 1), "same"),
        ((1, 3, 2, 3), (5, 3), (2, 1), "valid"),
    )
    def test_transposed(self, shape, size, strides, padding):
        n, *positions, c_in = shape
        lengths = [
            position * stride + (max(length - stride, 0) if padding == "valid" else 0)
            for position, length, stride in zip(positions, size, strides)
        ]
        self.check(
            lambda x, kernel: small_maps.transposed(x, kernel, strides, lengths),
            lambda x, kernel: tf.nn.conv2d_transpose(
                x, tf.transpose(kernel, [0, 1, 3, 2]), [n, *lengths, 5], strides, padding.upper()
            ),
            drawn(*shape),
            drawn(*size, c_in, 5),
        )

    @parameterized.parameters(Conv2D, Conv2DTranspose)
    def test_a_layer_takes_this_way_when_it_is_ready(self, kind):
        layer, x = kind(5, 4, strides=2, padding="same"), drawn(2, 2, 4, 64)
        before, kernel = layer(x), layer.kernel
        layer.prepare_for_training()
        step = tf.function(layer).get_concrete_function(tf.TensorSpec(x.shape))
        self.assertIn(
            "MatMul", {operation.type.replace("BatchMatMulV2", "MatMul") for operation in step.graph.get_operations()}
        )
        self.assertAllClose(step(x), before, atol=1e-4)
        self.assertAllEqual(layer.kernel, kernel)

    @parameterized.parameters(
        (16, 128, False, True), (17, 128, False, False), (32, 128, True, True), (33, 128, True, False)
    )
    def test_only_maps_of_few_positions(self, positions, c_in, transposed, suits):
        self.assertEqual(small_maps.suits(positions, c_in, transposed=transposed), suits)

    def test_without_gradients_larger_maps_of_transposed_convolutions_suit(self):
        for positions, suits in ((512, True), (513, False)):
            self.assertEqual(small_maps.suits(positions, 512, transposed=True, learns=False), suits)
        self.assertFalse(small_maps.suits(512, 512, transposed=True))


if __name__ == "__main__":
    tf.test.main()
