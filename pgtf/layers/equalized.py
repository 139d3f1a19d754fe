"""Layers of StyleGAN2 (Karras et al., CVPR 2020) with made kernels: equalized and modulated convolutions.

Equalized:   y = conv(x, g k) + r b,                    g = r / √(h·w·c_in)
Modulated:   y = d · conv(s · x, g k) + r b,            d = 1 / √(Σ (s g k)² + 1e-8), the sum over h, w and c_in

k is the kernel that the recipe makes, b the bias, r the relative learning rate, s the style: a factor for each input
channel of each example. Free kernels start at N(0, 1/r²), so that Adam moves all layers alike.
"""

from typing import Any, Callable

import keras
import tensorflow as tf

from pgtf.layers.autograph import without_autograph
from pgtf.layers.conv import Conv2D
from pgtf.layers.known_shape import KnownShape
from pgtf.layers.resampling import smoothed

EPSILON = 1e-8


@keras.saving.register_keras_serializable(package="pgtf")
class EqualizedConv2D(Conv2D):
    """A convolution whose kernel and bias are scaled when they are used.

    Args:
      filters, kernel_size, and all other arguments of `Conv2D`.
      rate: Learning rate of the layer, relative to the others'. Default: 1.
    """

    def __init__(self, *args: Any, rate: float = 1.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rate = rate

    @property
    def gain(self) -> float:
        """The factor of the kernel."""
        height, width, c_in, _ = self.recipe.kernel_shape
        return float(self.rate * (height * width * c_in) ** -0.5)

    @property
    def kernel(self) -> tf.Tensor:
        return self.recipe.kernel() * self.gain

    @property
    def offset(self) -> Any:
        return tf.convert_to_tensor(self.bias) * self.rate

    def convolve(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return super().convolve(x, kernel * self.gain)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


class _OfMapAndStyle(KnownShape):
    """A layer of a map and a style, whose output may be twice as high and wide as the map.

    doubles: Whether it is. filters: Number of output channels.
    """

    doubles: bool
    filters: int

    def compute_output_shape(self, shape: Any) -> tuple:
        n, *lengths, _ = shape[0] if isinstance(shape, list) else shape
        return n, *((known and 2 * known) if self.doubles else known for known in lengths), self.filters

    def _output_signature(self, inputs: Any) -> tf.TensorSpec:
        return super()._output_signature(inputs[0])


@keras.saving.register_keras_serializable(package="pgtf")
class ModulatedConv2D(_OfMapAndStyle, EqualizedConv2D):
    """An equalized convolution of a map [n, h, w, c_in], whose kernel a style [n, c_in] scales for each example.

    Args:
      filters, kernel_size, and all other arguments of `EqualizedConv2D`.
      doubles: Whether the convolution is transposed, with stride 2, and smoothed: twice the height and width.
        Default: False.
      demodulates: Whether filters are scaled to length 1. Default: True.
    """

    def __init__(self, *args: Any, doubles: bool = False, demodulates: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doubles, self.demodulates = doubles, demodulates
        self.input_spec = None  # Keras's is of one input.

    def build(self, shapes: Any) -> None:
        super().build(tuple(shapes[0]))
        self.input_spec = None

    @without_autograph
    def call(self, inputs: Any) -> tf.Tensor:
        x, style = inputs
        convolve = doubled if self.doubles else super(EqualizedConv2D, self).convolve
        y = modulated(x, style, self.kernel, convolve, self.demodulates)
        y = tf.ensure_shape(y, self.compute_output_shape(tuple(x.shape)))
        return tf.nn.bias_add(y, self.offset) if self.use_bias else y

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "doubles": self.doubles, "demodulates": self.demodulates}


@keras.saving.register_keras_serializable(package="pgtf")
class PlainModulated(_OfMapAndStyle):
    """A `ModulatedConv2D` whose kernel and bias are weights, scaled when they are set.

    Args:
      filters: Number of output channels.
      kernel_size: Height and width of the kernel.
      use_bias, doubles, demodulates: As for `ModulatedConv2D`.
    """

    def __init__(
        self, filters: int, kernel_size: int, use_bias: bool, doubles: bool, demodulates: bool, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size = filters, kernel_size
        self.use_bias, self.doubles, self.demodulates = use_bias, doubles, demodulates

    @classmethod
    def of(cls, layer: ModulatedConv2D) -> "PlainModulated":
        """Returns a layer of the same kind, not built."""
        kinds = layer.use_bias, layer.doubles, layer.demodulates
        return cls(layer.filters, layer.kernel_size[0], *kinds, name=layer.name, dtype=layer.dtype)

    def build(self, shapes: Any) -> None:
        size, c_in = self.kernel_size, shapes[0][-1]
        self.kernel = self.add_weight(name="kernel", shape=(size, size, c_in, self.filters))
        self.bias = self.add_weight(name="bias", shape=(self.filters,)) if self.use_bias else None
        super().build(shapes)

    @without_autograph
    def call(self, inputs: Any) -> tf.Tensor:
        (x, style), convolve = inputs, doubled if self.doubles else same
        y = modulated(x, style, tf.convert_to_tensor(self.kernel), convolve, self.demodulates)
        return tf.nn.bias_add(y, self.bias) if self.use_bias else y

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "use_bias", "doubles", "demodulates")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def modulated(x: tf.Tensor, style: tf.Tensor, kernel: tf.Tensor, convolve: Callable, demodulates: bool) -> tf.Tensor:
    """Returns the modulated convolution without its bias.

    Scaling the input, and afterwards the output, equals scaling the kernel, and needs one kernel for the whole batch.

    Args:
      x: Maps [n, h, w, c_in].
      style: Factors [n, c_in].
      kernel: [h, w, c_in, c_out], scaled.
      convolve: (x, kernel) -> y.
      demodulates: Whether filters are scaled to length 1.
    """
    y = convolve(x * style[:, None, None, :], kernel)
    if not demodulates:
        return y
    squares = tf.reduce_sum(tf.square(tf.cast(kernel, "float32")), [0, 1])
    lengths = tf.matmul(tf.square(tf.cast(style, "float32")), squares)
    return y * tf.cast(tf.math.rsqrt(lengths + EPSILON), y.dtype)[:, None, None, :]


def same(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Convolves x to a map of its size."""
    return tf.nn.conv2d(x, kernel, 1, "SAME")


def doubled(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Convolves x to a map of twice its size: a transposed convolution of stride 2, smoothed."""
    n, height, width = tf.unstack(tf.shape(x))[:3]
    shape = tf.stack([n, 2 * height + 1, 2 * width + 1, kernel.shape[-1]])
    y = tf.nn.conv2d_transpose(x, tf.transpose(kernel, [0, 1, 3, 2]), shape, 2, "VALID")
    return smoothed(y, (1, 1), gain=4.0)
