"""The adversarial losses, through tensorflow-gan: the one file of training that knows it."""

import tensorflow as tf

try:
    from tensorflow_gan.losses import wargs as gan
except ImportError:
    from pgtf.objectives import gan_losses as gan


def vanilla_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean cross entropy of real as 1 plus that of fake as 0."""
    return gan.modified_discriminator_loss(real, fake, label_smoothing=0.0, loss_collection=None)


def vanilla_generator(fake: tf.Tensor) -> tf.Tensor:
    """Mean cross entropy of fake as 1."""
    return gan.modified_generator_loss(fake, loss_collection=None)


def least_squares_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """½ mean (real - 1)² + ½ mean fake²."""
    return gan.least_squares_discriminator_loss(real, fake, loss_collection=None)


def least_squares_generator(fake: tf.Tensor) -> tf.Tensor:
    """mean (fake - 1)²: twice tensorflow-gan's, which halves it; CycleGAN's generator loss has no ½."""
    return 2 * gan.least_squares_generator_loss(fake, loss_collection=None)


def l1(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Mean distance of two images."""
    return tf.reduce_mean(tf.abs(a - b))
