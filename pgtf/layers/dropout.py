"""Dropout whose random state is a variable, so that a resumed run draws the same masks as an uninterrupted one."""

from typing import Any

import keras
import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation.keras_versions import weight_settings
from pgtf.layers.autograph import without_autograph
from pgtf.layers.known_shape import KnownShape

DRAWS = "draws"  # Name of a layer's counter of random draws, which no task stores.


@keras.saving.register_keras_serializable(package="pgtf")
class Dropout(KnownShape):
    """Zeroes a fraction `rate` of [...] during training. The n-th mask is a pure function of (seed, n)."""

    def __init__(self, rate: float, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed

    def build(self, shape: tuple) -> None:
        settings = weight_settings(**replicas.REPLICA_LOCAL)
        self.draws = self.add_weight(name=DRAWS, shape=(), dtype="int32", initializer="zeros", **settings)
        super().build(shape)

    @without_autograph
    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return x
        rows, *others = tf.unstack(tf.shape(x))
        shape = tf.stack([replicas.count() * rows, *others])
        mask = (
            tf.random.stateless_uniform(shape, [self.seed, tf.convert_to_tensor(self.draws)], dtype=x.dtype)
            >= self.rate
        )
        self.draws.assign_add(1)
        return tf.where(replicas.local_shard(mask), x / (1 - self.rate), tf.zeros_like(x))

    def compute_output_shape(self, shape: tuple) -> tuple:
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
