"""Noise: adds a map of random numbers, the same for all channels, with a learned strength (StyleGAN2)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation.keras_versions import weight_settings
from pgtf.foundation.seeds import seed_of
from pgtf.layers.autograph import without_autograph
from pgtf.layers.dropout import DRAWS
from pgtf.layers.known_shape import KnownShape


@keras.saving.register_keras_serializable(package="pgtf")
class Noise(KnownShape):
    """y = x + strength · noise, with noise N(0, 1), [h, w], and a strength that starts at 0.

    The n-th noise of training is a pure function of (seed, n). Outside of training the noise is constant and follows
    from the layer's name alone, so that outputs can be repeated to the bit.

    Args:
      seed: Seed of the noise of training.
    """

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, shape: tuple) -> None:
        self.strength = self.add_weight(name="strength", shape=(1,), initializer="zeros")
        settings = weight_settings(**replicas.REPLICA_LOCAL)
        self.draws = self.add_weight(name=DRAWS, shape=(), dtype="int32", initializer="zeros", **settings)
        super().build(shape)

    @without_autograph
    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        noise = self._drawn(x) if training else self._constant(x)
        return x + tf.cast(noise, x.dtype) * tf.cast(self.strength, x.dtype)

    def _drawn(self, x):
        rows, height, width, _ = tf.unstack(tf.shape(x))
        shape = tf.stack([replicas.count() * rows, height, width, 1])
        noise = tf.random.stateless_normal(shape, [self.seed, tf.convert_to_tensor(self.draws)])
        self.draws.assign_add(1)
        return replicas.local_shard(noise)

    def _constant(self, x):
        # RandomState's numbers are the same in all versions of numpy.
        return (
            np.random.RandomState(seed_of(self.name) % 2**32).standard_normal((1, *x.shape[1:3], 1)).astype("float32")
        )

    def compute_output_shape(self, shape: tuple) -> tuple:
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
