"""Context of a task's training phases: measures the distance of its networks' outputs to the targets."""

from collections.abc import Mapping
from typing import Any, Callable

import tensorflow as tf


class CheckpointedPhaseContext(tf.Module):
    """A `methods.PhaseContext` whose state is part of checkpoints.

    Args:
      distance: Function of {prefix: network}: the distance of its outputs from the targets.
      wider: Whether the task may be learned again in a wider network.
    """

    def __init__(self, distance: Callable[[Mapping[str, Any]], float], wider: bool = False):
        super().__init__(name="trial")
        self.distance, self.wider = distance, wider
        self.remembered = tf.Variable(float("inf"), trainable=False, dtype=tf.float64, name="limit")

    @property
    def limit(self) -> float:
        """The largest distance at which the task may continue unchanged."""
        return float(self.remembered.numpy())

    @limit.setter
    def limit(self, value: float) -> None:
        self.remembered.assign(value)
