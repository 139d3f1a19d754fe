"""Recipe: the base class of layers that make one convolution kernel."""

from typing import Any, Callable

import keras
import numpy as np
import tensorflow as tf

from pgtf.recipes.specs import Spec, with_precision


class Recipe(keras.layers.Layer):
    """Makes a kernel [height, width, c_in, c_out] from the variables that a task stores.

    The layout is the same for convolutions and transposed convolutions, so R of the paper (4-D to 2-D) always
    flattens all but the last axis. A subclass implements `specs`, `build`, `kernel` and `task_variables`.

        class Scaled(Recipe):
            def __init__(self, first, **kwargs):
                super().__init__(**kwargs)
                self.first = first

            def specs(self, shape):
                return {"scale": Spec(shape[-1:])}

            def build(self, shape):
                self.scale = self.add_weight(name="scale", shape=shape[-1:], initializer="ones")
                super().build(shape)

            def kernel(self):
                return self.first * self.scale

            def task_variables(self):
                return {"scale": self.scale}
    """

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        """Returns the arrays that a task stores for a kernel; works before the recipe is built.

        Args:
          shape: Shape of the kernel, [height, width, c_in, c_out].

        Returns:
          {name: Spec}.
        """
        raise NotImplementedError

    draws: bool = True  # Whether initial values are drawn. False: zeros, for a recipe that is restored at once.
    precision: str = ""  # Of what it stores, where a method gives its layers one of their own.

    def stored(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        """Returns `specs` with the precision of each array, where it isn't that of the run."""
        return with_precision(self.specs(shape), self.precision)

    def build(self, shape: tuple[int, ...]) -> None:
        """Creates the variables for a kernel [height, width, c_in, c_out]; borrowed ones are not trainable."""
        self.kernel_shape = tuple(shape)
        super().build(shape)

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a variable, as a Keras layer does; see `draws`."""
        return super().add_weight(*args, **(kwargs if self.draws else {**kwargs, "initializer": "zeros"}))

    def prepare_for_training(self) -> None:
        """Caches borrowed values in the compute dtype; call it when the recipe is built and initialized."""

    def kernel(self) -> tf.Tensor:
        """Returns the kernel, a pure and differentiable function of the variables."""
        raise NotImplementedError

    def output(self, x: tf.Tensor, convolve: Callable, output_shape: tuple) -> tf.Tensor:
        """Convolves x with the kernel. A subclass may compute the same values more cheaply.

        Args:
          x: The layer's input.
          convolve: The layer's convolution, (x, kernel) -> output.
          output_shape: Shape of the output.

        Returns:
          The layer's output, before bias and activation.
        """
        del output_shape
        return convolve(x, self.kernel())

    def task_variables(self) -> dict[str, tf.Variable]:
        """Returns {name: variable} of this task's own variables, with the names of `specs`."""
        raise NotImplementedError

    @property
    def lends(self) -> bool:
        """Whether later tasks may mix any of its arrays; known when built."""
        return any(spec.lent for spec in self.specs(self.kernel_shape).values())

    def rates(self) -> dict[str, float]:
        """Returns {name: learning rate} of the task variables that have a learning rate other than the run's."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Returns {name: array} of this task's own variables, as stored on disk."""
        return {name: np.asarray(variable) for name, variable in self.task_variables().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores the arrays that `state` returned."""
        for name, variable in self.task_variables().items():
            variable.assign(state[name])
