"""Modulated (GAN memory, Cong et al., NeurIPS 2020): an earlier kernel, scaled and shifted per channel pair.

    kernel = bank × γ + β,    γ and β one number for each (c_in, c_out)

GAN memory first normalizes each [h, w] of the bank to mean 0 and variance 1. That gives the same set of kernels, with
other γ and β.
"""

import keras
import tensorflow as tf

from pgtf.recipes.borrowing import Adapting
from pgtf.recipes.specs import Spec, modulated


@keras.saving.register_keras_serializable(package="pgtf")
class Modulated(Adapting):
    """kernel = bank × γ + β. It starts equal to the bank: γ = 1, β = 0.

    Args:
      bank: Array [h, w, c_in, c_out], the kernel to modulate; or its shape.
    """

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        return modulated(shape, self.bank_shape)

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.gamma = self.add_weight(name="gamma", shape=shape[2:], initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape[2:], initializer="zeros")

    def kernel(self) -> tf.Tensor:
        return self.frozen * self.gamma + self.beta

    def task_variables(self) -> dict[str, tf.Variable]:
        return {"gamma": self.gamma, "beta": self.beta}
