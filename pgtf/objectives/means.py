"""Means of losses, for the log."""

from typing import Any

import keras
import tensorflow as tf


class Mean(keras.metrics.Mean):
    """Mean over steps of a loss that is the same on all replicas; each replica keeps its own copy."""

    def add_weight(self, name: str, **kwargs: Any) -> tf.Variable:
        return super().add_weight(name, **{**kwargs, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA})
