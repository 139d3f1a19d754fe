"""Batch normalization that is synchronized over all devices."""

from typing import Any

import keras
import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation.keras_versions import weight_settings


@keras.saving.register_keras_serializable(package="pgtf", name="SplitBatchNormalization")  # Its name in saved models.
class SyncBatchNormalization(keras.layers.BatchNormalization):
    """Normalizes over the global batch, on all replicas.

    So all replicas have the same moving averages, and each reads its own copy without communication.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "synchronized": True})

    def add_weight(self, *args: Any, **kwargs: Any) -> tf.Variable:
        own = {} if kwargs.get("trainable", True) else weight_settings(**replicas.REPLICA_LOCAL)
        return super().add_weight(*args, **{**kwargs, **own})
