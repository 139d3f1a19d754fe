"""Partly free (Webster et al., ICIP 2022, section 3): a kernel whose first input channels are trained, the rest frozen.

kernel = [free | bank from input channel ⌊λ·c_in⌋ on],    concatenated along c_in
"""

from typing import Any

import keras
import numpy.typing as npt
import tensorflow as tf

from pgtf.recipes.borrowing import Adapting
from pgtf.recipes.specs import Spec, partly_free


@keras.saving.register_keras_serializable(package="pgtf")
class PartlyFree(Adapting):
    """kernel = [free | rest of the bank]. It starts equal to the bank. λ = 0 freezes all of it, λ = 1 trains all of it.

    Args:
      bank: Array [h, w, c_in, c_out], the kernel to retrain in part; or its shape.
      ratio: λ, the fraction of input channels that are free.
    """

    def __init__(self, bank: npt.ArrayLike, ratio: float, **kwargs: Any) -> None:
        super().__init__(bank, **kwargs)
        if not 0 <= ratio <= 1:
            raise ValueError(f"`ratio`, the fraction of free input channels, must lie in [0, 1]. Received: {ratio}")
        self.ratio = ratio

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        return partly_free(shape, self.bank_shape, self.ratio)

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.free = None  # Without free channels there is nothing to train or store.
        for name, spec in self.specs(shape).items():
            self.free = self.add_weight(name=name, shape=spec.shape, initializer="zeros")
            self.free.assign(self.bank.numpy()[:, :, : spec.shape[2]])  # Not cast to the compute dtype.

    def kernel(self) -> tf.Tensor:
        bank = self.frozen
        if self.free is None:
            return bank
        return tf.concat([tf.convert_to_tensor(self.free), bank[:, :, self.free.shape[2] :]], axis=2)

    def task_variables(self) -> dict[str, tf.Variable]:
        return {} if self.free is None else {"free": self.free}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ratio": self.ratio}
