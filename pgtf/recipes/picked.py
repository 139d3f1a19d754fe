"""Picked (CPG, Hung et al., NeurIPS 2019, section 3): packed, with a choice of earlier weights, in a kernel that grows.

    kernel = earlier × mask + own,    mask = 1 where score ≥ τ, else 0

Scores and own weights are learnt together; then the mask is fixed, and the own weights are pruned in rounds.
"""

from collections.abc import Sequence
from typing import Any, Union

import keras
import numpy as np
import tensorflow as tf

from pgtf.foundation.keras_versions import KEEPS_DTYPE
from pgtf.recipes.mask import START, THRESHOLD, mask_of
from pgtf.recipes.packed import Packed, Part


@keras.saving.register_keras_serializable(package="pgtf")
class Picked(Packed):
    """kernel = earlier × mask + own; it begins with all earlier weights picked.

    Args:
      earlier, prune_ratio, initializer: As of `Packed`; kernels of earlier tasks may have fewer channels.
      learning_rate: Of the scores.
      inputs: Of how many equal parts the input consists, side by side: each of them grew.
    """

    def __init__(
        self, earlier: Union[Sequence[Part], int] = (), *, learning_rate: float = 1e-4, inputs: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(earlier, **kwargs)
        self.learning_rate, self.inputs = learning_rate, inputs

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.before = self._frozen("before", self.alive.numpy())  # What was alive before the last round of pruning.
        self.scores = None
        if self.taken_weights:
            start = keras.initializers.Constant(START)
            # In float32 also where the rest computes in 16 bits: rounding must not carry a score over the threshold.
            self.scores = self.add_weight(name="scores", shape=shape, initializer=start, **KEEPS_DTYPE)
            self.picked = self._frozen("picked", np.ones(shape, bool))
            self.picking = self._frozen("picking", np.array(True))

    def kernel(self) -> tf.Tensor:
        if self.scores is None:
            return super().kernel()
        earlier, own = tf.convert_to_tensor(self.earlier), self._own_kernel()
        return earlier * tf.cast(self._mask(), earlier.dtype) + own

    def _mask(self):
        return tf.where(self.picking, mask_of(self.scores), tf.cast(self.picked, "float32"))

    def fix(self) -> None:
        """Ends the picking: the mask stays as it is."""
        if self.scores is not None:
            self.picked.assign(self.scores >= THRESHOLD)
            self.picking.assign(False)

    def prune(self, ratio: float) -> None:
        self.before.assign(self.alive)
        super().prune(ratio)

    def undo(self) -> None:
        """Takes the last round of pruning back."""
        self.alive.assign(self.before)

    def rates(self) -> dict[str, float]:
        return {"used": self.learning_rate} if self.scores is not None else {}

    def task_variables(self) -> dict[str, tf.Variable]:
        return {"owned": self.own_values, "used": self.alive if self.scores is None else self.scores}

    def _used(self):
        taken = self.taken.numpy()
        return taken if self.scores is None else taken & (self._mask().numpy() == 1)

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.before.assign(self.alive)
        if self.scores is not None:
            self.scores.assign(np.where(state["used"], START, 0))
            self.picked.assign(state["used"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "learning_rate": self.learning_rate, "inputs": self.inputs}
