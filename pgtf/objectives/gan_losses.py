"""Replacement for tensorflow_gan.losses.wargs if that is not installed: the losses that pgtf uses."""

from typing import Any

import tensorflow as tf


def modified_discriminator_loss(real: tf.Tensor, fake: tf.Tensor, **_: Any) -> tf.Tensor:
    """Returns the mean cross entropy of real scores with label 1, plus that of fake scores with label 0."""
    return modified_generator_loss(real) + modified_generator_loss(-tf.convert_to_tensor(fake))


def modified_generator_loss(fake: tf.Tensor, **_: Any) -> tf.Tensor:
    """Returns the mean cross entropy of fake scores with label 1."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=fake, labels=tf.ones_like(fake)))


def least_squares_discriminator_loss(real: tf.Tensor, fake: tf.Tensor, **_: Any) -> tf.Tensor:
    """Returns ½ mean (real - 1)² + ½ mean fake²."""
    return 0.5 * tf.reduce_mean(tf.math.squared_difference(real, 1.0)) + 0.5 * tf.reduce_mean(tf.square(fake))


def least_squares_generator_loss(fake: tf.Tensor, **_: Any) -> tf.Tensor:
    """Returns ½ mean (fake - 1)²."""
    return 0.5 * tf.reduce_mean(tf.math.squared_difference(fake, 1.0))
