"""Adversarial losses, from tensorflow-gan. No other file of training imports tensorflow-gan."""

import tensorflow as tf

try:
    from tensorflow_gan.losses import wargs as gan
except ImportError:
    from pgtf.objectives import gan_losses as gan


def vanilla_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns the mean cross entropy of real scores with label 1, plus that of fake scores with label 0."""
    return gan.modified_discriminator_loss(real, fake, label_smoothing=0.0, loss_collection=None)


def vanilla_generator(fake: tf.Tensor) -> tf.Tensor:
    """Returns the mean cross entropy of fake scores with label 1."""
    return gan.modified_generator_loss(fake, loss_collection=None)


def least_squares_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns ½ mean (real - 1)² + ½ mean fake²."""
    return gan.least_squares_discriminator_loss(real, fake, loss_collection=None)


def least_squares_generator(fake: tf.Tensor) -> tf.Tensor:
    """Returns mean (fake - 1)². This is twice tensorflow-gan's loss: CycleGAN's generator loss has no ½."""
    return 2 * gan.least_squares_generator_loss(fake, loss_collection=None)


def l1(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Returns the mean L1 distance of two images."""
    return tf.reduce_mean(tf.abs(a - b))
