"""Minibatch standard deviation (Karras et al., ICLR 2018): shows a discriminator how much its images differ."""

import keras
import tensorflow as tf

from pgtf.layers.plain import plain
from pgtf.layers.shaped import Shaped

GROUP = 4


@keras.saving.register_keras_serializable(package="pgtf")
class GroupSpread(Shaped):
    """Adds a channel: the standard deviation over a group of 4 examples, averaged over positions and channels.

    A group has 3, 2 or 1 examples where 4 do not divide the batch: on each device, or of each part of an accumulation.
    """

    @plain
    def call(self, x: tf.Tensor) -> tf.Tensor:
        n, *others = x.shape
        group = next(count for count in range(GROUP, 0, -1) if n % count == 0)
        groups = tf.reshape(tf.cast(x, "float32"), [group, n // group, *others])
        variance = tf.reduce_mean(tf.square(groups - tf.reduce_mean(groups, 0)), 0)
        spread = tf.reduce_mean(tf.sqrt(variance + 1e-8), [1, 2, 3], keepdims=True)
        return tf.concat([x, tf.cast(tf.tile(spread, [group, *others[:2], 1]), x.dtype)], -1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return *shape[:-1], shape[-1] + 1
