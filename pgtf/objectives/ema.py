"""Exponential moving average (EMA) of trained weights. It improves GANs cheaply: their weights circle an optimum."""

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation.keras_versions import tf_variable


class Average(tf.Module):
    """The moving average of variables: a ← d a + (1 - d) v after each step, d = min(decay, (1 + n) / (10 + n)).

    n counts the steps from 0, so the initial values soon lose their weight.
    """

    def __init__(self, variables: Sequence[tf.Variable], decay: float):
        super().__init__(name="average")
        self.variables_now, self.decay = [tf_variable(variable) for variable in variables], decay
        self.values = [tf.Variable(variable, **replicas.REPLICA_LOCAL) for variable in self.variables_now]
        self.count = tf.Variable(0, dtype=tf.int64, name="count", **replicas.REPLICA_LOCAL)

    def begin(self) -> None:
        """Restarts the average from the variables' current values."""
        self.count.assign(0)
        for value, variable in zip(self.values, self.variables_now):
            value.assign(variable)

    def update(self) -> None:
        """Updates the average after one training step; runs inside the compiled step."""
        n = tf.cast(self.count, tf.float32)
        share = 1 - tf.minimum(self.decay, (1 + n) / (10 + n))
        for value, variable in zip(self.values, self.variables_now):
            value.assign_sub(share * (value - variable))
        self.count.assign_add(1)

    def take(self) -> None:
        """Assigns the averages to the variables, permanently."""
        for value, variable in zip(self.values, self.variables_now):
            variable.assign(value)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Assigns the averages to the variables inside the block, and restores the values after it."""
        # Copied: on a CPU, numpy() may return the variable's memory.
        before = [variable.numpy().copy() for variable in self.variables_now]
        try:
            self.take()
            yield
        finally:
            for variable, value in zip(self.variables_now, before):
                variable.assign(value)
