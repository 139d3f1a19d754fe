"""Mask (Mallya et al., ECCV 2018, eq. 4): each weight of an earlier kernel is kept or left out.

    kernel = bank × mask,    mask = 1 where score ≥ τ, else 0

Scores are real numbers that are used only to learn the mask; the mask is stored. Ternary: mask = -1 where score ≤ -τ.
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pgtf.foundation.keras_versions import KEEPS_DTYPE
from pgtf.recipes.borrowing import Adapting
from pgtf.recipes.specs import Spec, mask

# Section 3, "Practical optimization details": the initial score, and τ.
START, THRESHOLD = 1e-2, 5e-3


def mask_of(scores: tf.Tensor, ternary: bool = False) -> tf.Tensor:
    """Thresholds scores to exactly 0 or 1 (ternary: -1, 0 or 1), with a straight-through gradient (section 3)."""

    @tf.custom_gradient
    def thresholded(scores):
        mask = tf.cast(scores >= THRESHOLD, scores.dtype)
        if ternary:
            mask -= tf.cast(scores <= -THRESHOLD, scores.dtype)
        return mask, lambda upstream: upstream

    return thresholded(tf.convert_to_tensor(scores))


@keras.saving.register_keras_serializable(package="pgtf")
class Mask(Adapting):
    """kernel = bank × mask. It starts equal to the bank.

    Args:
      bank: Array [h, w, c_in, c_out], the kernel to mask; or its shape.
      ternary: Whether the mask may also be -1. Default: False.
      learning_rate: Learning rate of the scores. Default: 1e-4.
    """

    def __init__(
        self, bank: npt.ArrayLike, *, ternary: bool = False, learning_rate: float = 1e-4, **kwargs: Any
    ) -> None:
        super().__init__(bank, **kwargs)
        self.ternary, self.learning_rate = ternary, learning_rate

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        return mask(shape, self.bank_shape, ternary=self.ternary)

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        start = keras.initializers.Constant(START)
        # float32 even with mixed precision: rounding must not move a score across the threshold.
        self.scores = self.add_weight(name="scores", shape=shape, initializer=start, **KEEPS_DTYPE)

    def kernel(self) -> tf.Tensor:
        bank = self.frozen
        return bank * tf.cast(mask_of(self.scores, self.ternary), bank.dtype)

    def task_variables(self) -> dict[str, tf.Variable]:
        return {"mask": self.scores}

    def rates(self) -> dict[str, float]:
        return {"mask": self.learning_rate}

    def state(self) -> dict[str, np.ndarray]:
        """Returns the mask packed to bits: where it is 1, then, if ternary, where it is -1."""
        mask = mask_of(self.scores, self.ternary).numpy()
        return {"mask": np.packbits([mask == sign for sign in self._signs])}

    def restore(self, state: dict[str, Any]) -> None:
        bits = np.unpackbits(state["mask"], count=len(self._signs) * self.scores.shape.num_elements())
        planes = bits.reshape([-1, *self.kernel_shape])
        self.scores.assign(START * sum(sign * plane.astype("float32") for sign, plane in zip(self._signs, planes)))

    @property
    def _signs(self):
        return (1, -1) if self.ternary else (1,)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ternary": self.ternary, "learning_rate": self.learning_rate}
