"""What every recipe is: a way of making one convolution kernel."""

import keras
import numpy as np


class Recipe(keras.layers.Layer):
    """Makes a kernel [height, width, c_in, c_out] from what a task stores.

    The layout is the same for convolutions and transposed convolutions, so that R of the paper (4-D to 2-D) is
    always "flatten all but the last axis". A subclass says `shapes`, `build`, `kernel`; the rest follows.
    """

    def shapes(self, shape):
        """{name: shape} of what a task would store for a kernel of this shape; needs no variables."""
        raise NotImplementedError

    def build(self, shape):
        """Creates the variables for a kernel [height, width, c_in, c_out]; borrowed ones are not trainable."""
        super().build(shape)

    def kernel(self):
        """The kernel: a pure, differentiable function of the variables."""
        raise NotImplementedError

    def apply(self, x, convolve, output_shape):
        """x convolved with the kernel; a recipe may know a cheaper way to the same values.

        convolve(x, kernel) is the layer's own convolution; output_shape is what it yields for x.
        """
        del output_shape
        return convolve(x, self.kernel())

    def own(self):
        """{name: variable} of what this task alone must keep, in the names of `shapes`."""
        raise NotImplementedError

    def stored(self):
        """{name: array}: what this task alone must keep, as it goes to disk."""
        return {name: np.asarray(variable) for name, variable in self.own().items()}

    def restore(self, stored):
        """Takes back what `stored` gave."""
        for name, variable in self.own().items():
            variable.assign(stored[name])
