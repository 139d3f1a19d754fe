"""What every recipe is: a way of making one convolution kernel."""

import dataclasses
import math
from typing import Any, Callable

import keras
import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Spec:
    """One array that a task stores of a kernel.

    shape: of the values that it stands for; bits: what each of them takes on disk; lent: whether the bank has it,
    filters along the last axis, for later tasks to mix.
    """

    shape: tuple[int, ...]
    bits: int = 32
    lent: bool = False

    @property
    def values(self) -> int:
        """How many there are."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """What they take on disk: the last byte is filled up."""
        return math.ceil(self.values * self.bits / 8)


class Recipe(keras.layers.Layer):
    """Makes a kernel [height, width, c_in, c_out] from what a task stores.

    The layout is the same for convolutions and transposed convolutions, so that R of the paper (4-D to 2-D) is
    always "flatten all but the last axis". A subclass says `specs`, `build`, `kernel` and `own`; the rest follows.

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
        """What a task stores for a kernel.

        Args:
          shape: The kernel's, [height, width, c_in, c_out].

        Returns:
          {name: Spec}; known before anything is built.
        """
        raise NotImplementedError

    def build(self, shape: tuple[int, ...]) -> None:
        """Creates the variables for a kernel [height, width, c_in, c_out]; borrowed ones are not trainable."""
        self.kernel_shape = tuple(shape)
        super().build(shape)

    def prepare_for_training(self) -> None:
        """Says, once built and begun, that what is borrowed changes no more: it may be held as a step needs it."""

    def kernel(self) -> tf.Tensor:
        """The kernel: a pure, differentiable function of the variables."""
        raise NotImplementedError

    def output(self, x: tf.Tensor, convolve: Callable, output_shape: tuple) -> tf.Tensor:
        """x convolved with the kernel; a recipe may know a cheaper way to the same values.

        Args:
          x: What the layer is given.
          convolve: (x, kernel) -> the layer's own convolution.
          output_shape: What it yields for x.

        Returns:
          The layer's output, before bias and activation.
        """
        del output_shape
        return convolve(x, self.kernel())

    def task_variables(self) -> dict[str, tf.Variable]:
        """{name: variable} of what this task alone keeps, in the names of `specs`."""
        raise NotImplementedError

    @property
    def lends(self) -> bool:
        """Whether later tasks may mix any of it; once built."""
        return any(spec.lent for spec in self.specs(self.kernel_shape).values())

    def rates(self) -> dict[str, float]:
        """{name: learning rate} of what of `own` is not learnt at the run's."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """{name: array} of what this task alone keeps, as it goes to disk."""
        return {name: np.asarray(variable) for name, variable in self.task_variables().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes back what `state` gave."""
        for name, variable in self.task_variables().items():
            variable.assign(state[name])
