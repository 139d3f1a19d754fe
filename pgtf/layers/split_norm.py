"""Batch normalization of a batch whose parts lie on several devices."""

from typing import Any

import keras
import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation.keras_versions import weight_settings


@keras.saving.register_keras_serializable(package="pgtf")
class SplitBatchNormalization(keras.layers.BatchNormalization):
    """Normalizes over the whole batch, wherever its parts are.

    Each replica so has the same moving means, and reads its own without asking the others.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "synchronized": True})

    def add_weight(self, *args: Any, **kwargs: Any) -> tf.Variable:
        own = {} if kwargs.get("trainable", True) else weight_settings(**replicas.REPLICA_LOCAL)
        return super().add_weight(*args, **{**kwargs, **own})
