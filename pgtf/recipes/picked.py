"""Picked (CPG, Hung et al., NeurIPS 2019, section 3): `Expanded` with a mask over earlier weights.

    kernel = earlier × mask + own,    mask = 1 where score ≥ τ, else 0

Scores and own weights are trained together. Then the mask is fixed and the own weights are pruned in rounds.
"""

from collections.abc import Sequence
from typing import Any, Union

import keras
import numpy as np
import tensorflow as tf

from pgtf.foundation.keras_versions import KEEPS_DTYPE
from pgtf.recipes.expanded import Expanded
from pgtf.recipes.mask import START, THRESHOLD, mask_of
from pgtf.recipes.packed import Part


@keras.saving.register_keras_serializable(package="pgtf")
class Picked(Expanded):
    """kernel = earlier × mask + own. It starts with all earlier weights picked.

    Args:
      earlier, prune_ratio, initializer, inputs: As for `Expanded`.
      learning_rate: Learning rate of the scores. Default: 1e-4.
    """

    def __init__(self, earlier: Union[Sequence[Part], int] = (), *, learning_rate: float = 1e-4, **kwargs: Any) -> None:
        super().__init__(earlier, **kwargs)
        self.learning_rate = learning_rate

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.scores = None
        if self.taken_weights:
            start = keras.initializers.Constant(START)
            # float32 even with mixed precision: rounding must not move a score across the threshold.
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
        """Freezes the mask at its current values."""
        if self.scores is not None:
            self.picked.assign(self.scores >= THRESHOLD)
            self.picking.assign(False)

    def rates(self) -> dict[str, float]:
        return {"used": self.learning_rate} if self.scores is not None else {}

    def task_variables(self) -> dict[str, tf.Variable]:
        return {"owned": self.own_values, "used": self.alive if self.scores is None else self.scores}

    def _used(self):
        taken = self.taken.numpy()
        return taken if self.scores is None else taken & (self._mask().numpy() == 1)

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        if self.scores is not None:
            self.scores.assign(np.where(state["used"], START, 0))
            self.picked.assign(state["used"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "learning_rate": self.learning_rate}
