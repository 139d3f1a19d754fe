"""Delta: an earlier kernel plus a difference of few bits.

    kernel = bank + scale × (code - (levels - 1) / 2),    code = 0 … levels - 1, one scale for each filter

The difference is trained in float32 and rounded in the forward pass, with a straight-through gradient
(`low_bit_training`).
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pgtf.foundation.keras_versions import KEEPS_DTYPE
from pgtf.recipes.borrowing import Adapting
from pgtf.recipes.low_bit import levels_of
from pgtf.recipes.low_bit_training import fake_quantize
from pgtf.recipes.specs import Spec, delta


@keras.saving.register_keras_serializable(package="pgtf")
class Delta(Adapting):
    """kernel = bank + rounded difference. It starts equal to the bank: the difference is 0.

    Args:
      bank: Array [h, w, c_in, c_out], the kernel to change; or its shape.
      bits: Bits of a code: 1, 1.58 (three levels), 2, 3 or 4. Default: 2.

    Attributes:
      rounding: Whether the forward pass rounds the difference; a restored one is on its levels already.
    """

    def __init__(self, bank: npt.ArrayLike, bits: float = 2, **kwargs: Any) -> None:
        super().__init__(bank, **kwargs)
        levels_of(bits)
        self.bits = bits

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        return delta(shape, self.bank_shape, self.bits)

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        # float32 even with mixed precision: what is stored must be what the kernel was made of.
        self.difference = self.add_weight(name="difference", shape=shape, initializer="zeros", **KEEPS_DTYPE)
        self.rounding = self.add_weight(name="rounding", shape=(), dtype="bool", initializer="ones", trainable=False)

    def kernel(self) -> tf.Tensor:
        bank = self.frozen
        return bank + tf.cast(self._rounded(), bank.dtype)

    def _rounded(self):
        difference = tf.convert_to_tensor(self.difference)
        return tf.where(self.rounding, fake_quantize(difference, self.bits), difference)

    def task_variables(self) -> dict[str, tf.Variable]:
        return {"difference": self.difference}

    def state(self) -> dict[str, np.ndarray]:
        return {"difference": self._rounded().numpy()}

    def restore(self, state: dict[str, Any]) -> None:
        self.difference.assign(state["difference"])
        self.rounding.assign(False)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bits": self.bits}
