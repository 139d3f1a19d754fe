"""DiffAugment (Zhao et al., NeurIPS 2020): random changes of real and generated images that gradients pass through."""

from collections.abc import Collection

import tensorflow as tf

CHANCES = 7  # Random numbers that an image needs.


def augmented(images: tf.Tensor, chances: tf.Tensor, kinds: Collection[str]) -> tf.Tensor:
    """Changes images [n, h, w, c].

    Args:
      images: Values in about [-1, 1].
      chances: Random numbers in [0, 1), [n, 7].
      kinds: Some of "color" (brightness, saturation, contrast), "translation" (by up to an eighth) and "cutout" (of a
        square of half the side).
    """
    chances = tf.cast(chances, images.dtype)[:, :, None, None, None]
    if "color" in kinds:
        images += chances[:, 0] - 0.5
        gray = tf.reduce_mean(images, -1, keepdims=True)
        images = gray + (images - gray) * 2 * chances[:, 1]
        mean = tf.reduce_mean(images, [1, 2, 3], keepdims=True)
        images = mean + (images - mean) * (0.5 + chances[:, 2])
    for axis, chance in ((1, chances[:, 3]), (2, chances[:, 4])) if "translation" in kinds else ():
        images = _shifted(images, tf.reshape(chance, [-1, 1]), axis)
    if "cutout" in kinds:
        rows, columns = (_cut(images.shape[axis], chances[:, 4 + axis]) for axis in (1, 2))
        images *= 1 - rows[:, :, None, None] * columns[:, None, :, None]
    return images


def _shifted(images, chance, axis):
    """Shifts by up to an eighth of the size, with zeros from outside."""
    size = images.shape[axis]
    most = size // 8
    shift = tf.cast(chance * (2 * most + 1), tf.int32) - most
    places = tf.clip_by_value(tf.range(size)[None] - shift + 1, 0, size + 1)
    margins = [[1, 1] if number == axis else [0, 0] for number in range(4)]
    return tf.gather(tf.pad(images, margins), places, axis=axis, batch_dims=1)


def _cut(size, chance):
    """Returns 1 where an interval of half the size is cut out, [n, size]."""
    centre = tf.floor(tf.reshape(chance, [-1, 1]) * (size + 1))
    distance = tf.cast(tf.range(size), chance.dtype)[None] + 0.5 - centre
    return tf.cast(tf.abs(distance) < size / 4, chance.dtype)
