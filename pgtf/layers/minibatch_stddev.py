"""Minibatch standard deviation (Karras et al., ICLR 2018): shows a discriminator how much its images differ."""

import keras
import tensorflow as tf

from pgtf.layers.autograph import without_autograph
from pgtf.layers.known_shape import KnownShape

GROUP = 4


@keras.saving.register_keras_serializable(package="pgtf")
class MinibatchStdDev(KnownShape):
    """Adds a channel: the standard deviation over a group of 4 examples, averaged over positions and channels.

    Groups are of 4 examples in a row, so that devices (and parts of an accumulation) with a multiple of 4 examples have
    the groups of the whole batch. They are of 3, 2 or 1 where 4 do not divide the examples of a device or a part.
    """

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        n, *others = x.shape
        group = next(count for count in range(GROUP, 0, -1) if n % count == 0)
        groups = tf.reshape(tf.cast(x, "float32"), [n // group, group, *others])
        variance = tf.reduce_mean(tf.square(groups - tf.reduce_mean(groups, 1, keepdims=True)), 1)
        spread = tf.repeat(tf.reduce_mean(tf.sqrt(variance + 1e-8), [1, 2, 3], keepdims=True), group, 0)
        return tf.concat([x, tf.cast(tf.tile(spread, [1, *others[:2], 1]), x.dtype)], -1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return *shape[:-1], shape[-1] + 1
