"""Reflection padding, which Keras lacks."""

from typing import Any

import keras
import tensorflow as tf

from pgtf.layers.autograph import without_autograph
from pgtf.layers.known_shape import KnownShape


@keras.saving.register_keras_serializable(package="pgtf")
class ReflectionPadding2D(KnownShape):
    """Pads [n, h, w, c] with its mirror image, `padding` pixels on each side."""

    def __init__(self, padding: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = padding

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        side = [self.padding, self.padding]
        return tf.pad(x, [[0, 0], side, side, [0, 0]], "REFLECT")

    def compute_output_shape(self, shape: tuple) -> tuple:
        n, h, w, c = shape
        return n, h and h + 2 * self.padding, w and w + 2 * self.padding, c

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding}
