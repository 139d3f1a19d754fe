"""Conv2D and Conv2DTranspose with kernels made by recipes."""

import math
from typing import Any, Optional

import keras
import numpy.typing as npt
import tensorflow as tf

from pgtf.layers import small_maps
from pgtf.layers.autograph import without_autograph
from pgtf.layers.known_shape import KnownShape
from pgtf.recipes.base import Recipe
from pgtf.recipes.full import Full
from pgtf.recipes.piggyback import Piggyback


class _MadeKernel(KnownShape):
    """Base of both layers: builds a recipe for the kernel's shape and convolves with the kernel that it makes."""

    def __init__(self, *args: Any, recipe: Any = None, groups: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # Keras 3's transposed convolution takes no groups.
        groups = max(groups, getattr(self, "groups", 1))
        if groups != 1 or self.data_format != "channels_last":
            raise ValueError(
                "A layer with a recipe needs groups=1 and data_format='channels_last'. "
                f"Received: groups={groups}, data_format={self.data_format!r}"
            )
        if isinstance(recipe, dict):
            recipe = keras.saving.deserialize_keras_object(recipe)
        if recipe is None:
            own = self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
            recipe = Full(*own, dtype=self.dtype_policy)
        if not isinstance(recipe, Recipe):
            raise ValueError(f"`recipe` must be a pgtf.recipes.Recipe. Received: {recipe!r}")
        if recipe.dtype_policy.name != self.dtype_policy.name:
            raise ValueError(
                "A layer and its recipe must have the same dtype policy. "
                f"Received: {self.dtype_policy.name} and {recipe.dtype_policy.name}"
            )
        if (self.kernel_regularizer or self.kernel_constraint) and not isinstance(recipe, Full):
            raise ValueError(
                "kernel_regularizer and kernel_constraint need a kernel that is a variable: the recipe Full. "
                f"Received: recipe={type(recipe).__name__}"
            )
        self.recipe = recipe
        self._takes_products = False

    def prepare_for_training(self) -> None:
        """Makes training faster, once the layer is built; outputs stay the same up to rounding."""
        # Matrix products were measured on CPUs only; a GPU uses its own convolutions.
        self._takes_products = not tf.config.list_physical_devices("GPU")
        self.recipe.prepare_for_training()

    def _is_small(self, map_shape):
        """Returns whether to use matrix products for a map [n, h, w, c], the smaller one of the layer's two maps.

        False if a size is unknown.
        """
        sizes = map_shape[:3]
        known = self._takes_products and None not in sizes and max(self.dilation_rate) == 1
        transposed = isinstance(self, keras.layers.Conv2DTranspose)
        return known and small_maps.suits(math.prod(sizes), self.recipe.kernel_shape[2], transposed=transposed)

    @property
    def kernel(self) -> tf.Tensor:
        """The kernel, in Keras's layout."""
        return self.recipe.kernel()

    @property
    def offset(self) -> Any:
        """The bias as it is added."""
        return self.bias

    def build(self, input_shape: tuple) -> None:
        c_in = input_shape[-1]
        if len(input_shape) != 4 or c_in is None:
            raise ValueError(
                f"The input must be [batch, height, width, channels] with known channels. Received: {input_shape}"
            )
        shape = (*self.kernel_size, int(c_in), self.filters)
        if not self.recipe.built:
            with tf.name_scope("recipe"):
                self.recipe.build(shape)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: int(c_in)})
        self.built = True

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        output_shape = self.compute_output_shape(tuple(x.shape))
        y = tf.ensure_shape(self.recipe.output(x, self.convolve, output_shape), output_shape)
        if self.use_bias:
            y = tf.nn.bias_add(y, self.offset)
        return self.activation(y)

    def save_own_variables(self, store: dict) -> None:
        """Stores the bias; the recipe, a layer, stores the rest. Keras 3's own convolutions also expect a kernel."""
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: dict) -> None:
        """Loads the variables that `save_own_variables` stored."""
        keras.layers.Layer.load_own_variables(self, store)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "recipe": keras.saving.serialize_keras_object(self.recipe)}


@keras.saving.register_keras_serializable(package="pgtf")
class Conv2D(_MadeKernel, keras.layers.Conv2D):
    """keras.layers.Conv2D whose kernel is made by a recipe. Default recipe: `Full`, an ordinary convolution."""

    def convolve(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolves x [n, h, w, c_in] with a kernel [h, w, c_in, c_out]."""
        if None not in x.shape and self._is_small(self.compute_output_shape(tuple(x.shape))):
            return small_maps.convolved(x, kernel, self.strides, self.padding)
        return tf.nn.conv2d(x, kernel, self.strides, self.padding.upper(), dilations=self.dilation_rate)


@keras.saving.register_keras_serializable(package="pgtf")
class Conv2DTranspose(_MadeKernel, keras.layers.Conv2DTranspose):
    """keras.layers.Conv2DTranspose whose kernel is made by a recipe. Default recipe: `Full`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if max(self.dilation_rate) > 1:
            raise ValueError(f"dilation_rate of a Conv2DTranspose must be 1. Received: {self.dilation_rate}")

    @property
    def kernel(self) -> tf.Tensor:
        return tf.transpose(self.recipe.kernel(), [0, 1, 3, 2])

    def convolve(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Applies a transposed convolution to x [n, h, w, c_in], with a kernel [h, w, c_in, c_out]."""
        height, width = (
            self._length(axis, known if known is not None else tf.shape(x)[1 + axis])
            for axis, known in enumerate(x.shape[1:3])
        )
        if self._is_small(x.shape) and self.output_padding is None:
            return small_maps.transposed(x, kernel, self.strides, (height, width))
        return tf.nn.conv2d_transpose(
            x,
            tf.transpose(kernel, [0, 1, 3, 2]),
            tf.stack([tf.shape(x)[0], height, width, kernel.shape[-1]]),
            self.strides,
            self.padding.upper(),
        )

    def _length(self, axis, length):
        stride, kernel = self.strides[axis], self.kernel_size[axis]
        if self.output_padding is not None:
            margin = kernel // 2 if self.padding == "same" else 0
            return (length - 1) * stride + kernel - 2 * margin + self.output_padding[axis]
        return length * stride + (max(kernel - stride, 0) if self.padding == "valid" else 0)


class _Piggybacking(keras.layers.Layer):
    """Mixin that makes a `Piggyback` recipe from a bank."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        *args: Any,
        bank: Optional[npt.ArrayLike] = None,
        unconstrained_ratio: float = 0.25,
        start: Optional[npt.ArrayLike] = None,
        strategy: str = "auto",
        recipe: Any = None,
        **kwargs: Any,
    ) -> None:
        if recipe is None:
            if bank is None:
                raise ValueError("A piggyback layer needs a bank [height, width, c_in, filters]. Received: None")
            recipe = Piggyback(
                bank,
                unconstrained_ratio,
                start=start,
                strategy=strategy,
                initializer=kwargs.get("kernel_initializer", "glorot_uniform"),
                dtype=kwargs.get("dtype"),
            )
        super().__init__(filters, kernel_size, *args, recipe=recipe, **kwargs)


@keras.saving.register_keras_serializable(package="pgtf")
class PiggybackConv2D(_Piggybacking, Conv2D):
    """A convolution with λ·filters unconstrained filters; the others are mixed from `bank` [h, w, c_in, B] (eq. 5).

    Args:
      filters, kernel_size, and all other arguments of keras.layers.Conv2D.
      bank: Array [height, width, c_in, B] of filters that are not trained.
      unconstrained_ratio: λ, the fraction of filters that are unconstrained. Default: 0.25.
      start: A mixing [B, filters]; the kernel starts as bank ⊗ start. Default: random.
      strategy: "auto", "compose" or "mix"; see `pgtf.recipes.Piggyback`. Default: "auto".

        layer = PiggybackConv2D(64, 3, bank=trained.kernel, start=np.eye(64), padding="same")
    """


@keras.saving.register_keras_serializable(package="pgtf")
class PiggybackConv2DTranspose(_Piggybacking, Conv2DTranspose):
    """A transposed convolution with λ·filters unconstrained filters; the others are mixed from `bank` (eq. 5).

    Args: as for `PiggybackConv2D`; the bank is [height, width, c_in, B] here too.
    """
