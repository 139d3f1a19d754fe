"""Resampling with the filter [1, 3, 3, 1], as in StyleGAN2 (Karras et al., CVPR 2020)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pgtf.layers.autograph import without_autograph
from pgtf.layers.known_shape import KnownShape

FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


def smoothed(x: tf.Tensor, margins: Sequence[int], *, gain: float = 1.0, strides: int = 1) -> tf.Tensor:
    """Convolves each channel of x [n, h, w, c] with the filter.

    Args:
      x: Maps.
      margins: Zeros before and after each axis.
      gain: Factor of the filter. Default: 1.
      strides: Stride on both axes. Default: 1.
    """
    kernel = tf.constant(np.repeat(gain * FILTER[..., None], x.shape[-1], 2)[..., None], x.dtype)
    padded = tf.pad(x, [[0, 0], margins, margins, [0, 0]])
    return tf.nn.depthwise_conv2d(padded, kernel, [1, strides, strides, 1], "VALID")


@keras.saving.register_keras_serializable(package="pgtf")
class Smooth(KnownShape):
    """Convolves each channel with the filter.

    Args:
      margins: Zeros before and after each axis.
      strides: Stride on both axes. Default: 1.
    """

    def __init__(self, margins: Sequence[int], strides: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.margins, self.strides = tuple(margins), strides

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        return smoothed(x, self.margins, strides=self.strides)

    def compute_output_shape(self, shape: tuple) -> tuple:
        n, *lengths, c = shape
        return n, *((known and (known + sum(self.margins) - 4) // self.strides + 1) for known in lengths), c

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margins": self.margins, "strides": self.strides}


@keras.saving.register_keras_serializable(package="pgtf")
class Doubled(KnownShape):
    """Doubles height and width: zeros between the pixels, then the filter, with a gain of 4. For few channels."""

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        n, height, width, _ = tf.unstack(tf.shape(x))
        c = x.shape[-1]
        kernel = 4 * FILTER[..., None, None] * np.eye(c)
        y = tf.nn.conv2d_transpose(x, tf.constant(kernel, x.dtype), tf.stack([n, 2 * height, 2 * width, c]), 2, "SAME")
        return tf.ensure_shape(y, self.compute_output_shape(tuple(x.shape)))

    def compute_output_shape(self, shape: tuple) -> tuple:
        n, *lengths, c = shape
        return n, *(known and 2 * known for known in lengths), c
