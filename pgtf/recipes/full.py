"""Full: every filter is unconstrained, as in an ordinary convolution."""

from typing import Any

import keras
import tensorflow as tf

from pgtf.recipes.base import Recipe
from pgtf.recipes.specs import Spec, full


@keras.saving.register_keras_serializable(package="pgtf")
class Full(Recipe):
    """A kernel of unconstrained filters only (eq. 2).

    Args:
      initializer, regularizer, constraint: The kernel's, as for a Keras convolution.
      lent: Whether later tasks may mix its filters. Default: True.
    """

    def __init__(
        self,
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        constraint: Any = None,
        lent: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.lent = lent
        self.initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)
        self.constraint = keras.constraints.get(constraint)

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        return full(shape, lent=self.lent)

    def build(self, shape: tuple[int, ...]) -> None:
        self.unconstrained = self.add_weight(
            name="unconstrained",
            shape=shape,
            initializer=self.initializer,
            regularizer=self.regularizer,
            constraint=self.constraint,
        )
        super().build(shape)

    def kernel(self) -> tf.Tensor:
        return self.unconstrained

    def task_variables(self) -> dict[str, tf.Variable]:
        return {"unconstrained": self.unconstrained}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
            "constraint": keras.constraints.serialize(self.constraint),
            "lent": self.lent,
        }
