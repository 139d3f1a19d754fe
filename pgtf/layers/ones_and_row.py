"""Layers without weights that a network of styles needs: the number 1, and one row of several."""

from typing import Any

import keras
import tensorflow as tf

from pgtf.layers.autograph import without_autograph
from pgtf.layers.known_shape import KnownShape


@keras.saving.register_keras_serializable(package="pgtf")
class Ones(KnownShape):
    """Returns the number 1 for each example, [n, 1]."""

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.ones([tf.shape(x)[0], 1], self.compute_dtype)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape[0], 1


@keras.saving.register_keras_serializable(package="pgtf")
class Row(KnownShape):
    """Returns row `number` of each example: [n, rows, values] to [n, values]."""

    def __init__(self, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x[:, self.number]

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape[0], shape[-1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "number": self.number}
