"""An earlier kernel with low-rank scale and shift (LFS-GAN, Seo et al., ICCV 2023) or shift (LoRA, Hu et al., 2021).

    R(kernel) = R(bank) × (1 + scale_left ⊗ scale_right) + shift_left ⊗ shift_right

R flattens all but the last axis: a left factor is [h·w·c_in, rank], a right factor [rank, c_out].
"""

from typing import Any, Optional

import keras
import numpy.typing as npt
import tensorflow as tf

from pgtf.recipes.borrowing import Adapting
from pgtf.recipes.specs import Spec, low_rank


@keras.saving.register_keras_serializable(package="pgtf")
class LowRank(Adapting):
    """A kernel scaled and shifted by products of two factors. It starts equal to the bank: right factors are zero.

    Args:
      bank: Array [h, w, c_in, c_out], the kernel to adapt; or its shape.
      rank: Rank of both products. Default: 4.
      seed: Seed of the left factors' initial values.
    """

    PRODUCTS: tuple[str, ...] = ("scale", "shift")

    def __init__(self, bank: npt.ArrayLike, rank: int = 4, *, seed: Optional[int] = None, **kwargs: Any) -> None:
        super().__init__(bank, **kwargs)
        self.rank, self.seed = rank, seed

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        return low_rank(shape, self.bank_shape, self.rank, products=self.PRODUCTS)

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self._factors = {
            name: self.add_weight(name=name, shape=spec.shape, initializer=self._initializer(name))
            for name, spec in self.specs(shape).items()
        }

    def _initializer(self, name):
        if name.endswith("right"):
            return "zeros"
        # With this spread a product moves as far in a step as its right factor. The same seed for both left factors
        # would draw the same numbers.
        seed = None if self.seed is None else self.seed + (name == "shift_left")
        return keras.initializers.RandomNormal(stddev=self.rank**-0.5, seed=seed)

    def _product(self, name):
        left, right = self._factors[f"{name}_left"], self._factors[f"{name}_right"]
        return tf.reshape(tf.matmul(left, right), self.kernel_shape)

    def kernel(self) -> tf.Tensor:
        return self.frozen * (1 + self._product("scale")) + self._product("shift")

    def task_variables(self) -> dict[str, tf.Variable]:
        return dict(self._factors)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rank": self.rank, "seed": self.seed}


@keras.saving.register_keras_serializable(package="pgtf")
class Lora(LowRank):
    """A kernel with an added product of two factors: LoRA.

        R(kernel) = R(bank) + shift_left ⊗ shift_right

    Args:
      bank, rank, seed: As for LowRank.
    """

    PRODUCTS = ("shift",)

    def kernel(self) -> tf.Tensor:
        return self.frozen + self._product("shift")
