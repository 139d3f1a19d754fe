"""Full: every filter is free, as in any convolution."""

import keras

from pgtf.recipes.base import Recipe


@keras.saving.register_keras_serializable(package="pgtf")
class Full(Recipe):
    """A kernel of unconstrained filters only (eq. 2)."""

    def __init__(self, initializer="glorot_uniform", regularizer=None, constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)
        self.constraint = keras.constraints.get(constraint)

    def shapes(self, shape):
        return {"unconstrained": tuple(shape)}

    def build(self, shape):
        self.unconstrained = self.add_weight(
            name="unconstrained",
            shape=shape,
            initializer=self.initializer,
            regularizer=self.regularizer,
            constraint=self.constraint,
        )
        super().build(shape)

    def kernel(self):
        return self.unconstrained

    def own(self):
        return {"unconstrained": self.unconstrained}

    def get_config(self):
        return {
            **super().get_config(),
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
            "constraint": keras.constraints.serialize(self.constraint),
        }
