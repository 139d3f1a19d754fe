"""The means of losses that are logged."""

from typing import Any

import keras
import tensorflow as tf


class Mean(keras.metrics.Mean):
    """The mean over steps of a loss that all replicas are given alike; each keeps it for itself."""

    def add_weight(self, name: str, **kwargs: Any) -> tf.Variable:
        return super().add_weight(name, **{**kwargs, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA})
