"""Partly free (Webster et al., ICIP 2022, section 3): the first input channels of a kernel are free, the rest stay.

kernel = [free | the bank from input channel ⌊λ·c_in⌋ on],    side by side along c_in
"""

import math
from typing import Any

import keras
import numpy.typing as npt
import tensorflow as tf

from pgtf.recipes.base import Spec
from pgtf.recipes.borrowing import Adapting


def free_inputs(ratio: float, c_in: int) -> int:
    """⌊λ·c_in⌋, unharmed by binary fractions: 0.29 of 100 is 29."""
    return math.floor(ratio * c_in + 1e-9)


@keras.saving.register_keras_serializable(package="pgtf")
class PartlyFree(Adapting):
    """kernel = [free | rest of the bank]; it starts as the bank. λ = 0 keeps all of it, λ = 1 frees all of it.

    Args:
      bank: Array [h, w, c_in, c_out], the kernel to learn a part of anew; or just its shape.
      ratio: λ, the share of input channels that are free.
    """

    def __init__(self, bank: npt.ArrayLike, ratio: float, **kwargs: Any) -> None:
        super().__init__(bank, **kwargs)
        if not 0 <= ratio <= 1:
            raise ValueError(f"The share of input channels that are free must lie in [0, 1]. Received: {ratio}")
        self.ratio = ratio

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        height, width, c_in, c_out = shape
        free = free_inputs(self.ratio, c_in)
        return {"free": Spec((height, width, free, c_out))} if free else {}

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.free = None  # Where none is: nothing to train, nothing to store.
        for name, spec in self.specs(shape).items():
            self.free = self.add_weight(name=name, shape=spec.shape, initializer="zeros")
            self.free.assign(self.bank.numpy()[:, :, : spec.shape[2]])  # Not rounded to what a step computes in.

    def kernel(self) -> tf.Tensor:
        bank = self.frozen
        if self.free is None:
            return bank
        return tf.concat([tf.convert_to_tensor(self.free), bank[:, :, self.free.shape[2] :]], axis=2)

    def task_variables(self) -> dict[str, tf.Variable]:
        return {} if self.free is None else {"free": self.free}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ratio": self.ratio}
