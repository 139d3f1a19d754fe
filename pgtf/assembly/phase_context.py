"""What phases ask and remember while a task is learnt: how far its networks are from what they should make."""

from collections.abc import Mapping
from typing import Any, Callable

import tensorflow as tf


class CheckpointedPhaseContext(tf.Module):
    """A `methods.PhaseContext` whose memory a checkpoint has.

    Args:
      distance: {prefix: network} -> how far the networks are from what they should make.
      wider: Whether the task may be learnt again in a wider network.
    """

    def __init__(self, distance: Callable[[Mapping[str, Any]], float], wider: bool = False):
        super().__init__(name="trial")
        self.distance, self.wider = distance, wider
        self.remembered = tf.Variable(float("inf"), trainable=False, dtype=tf.float64, name="limit")

    @property
    def limit(self) -> float:
        """The largest distance with which the task may go on as it is."""
        return float(self.remembered.numpy())

    @limit.setter
    def limit(self, value: float) -> None:
        self.remembered.assign(value)
