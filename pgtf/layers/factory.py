"""The factory of a network's layers: it chooses their recipe, norm and upsampling."""

from typing import Any, Callable

import keras
import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation.seeds import seed_of
from pgtf.layers import weightless
from pgtf.layers.conv import Conv2D, Conv2DTranspose
from pgtf.layers.dropout import Dropout
from pgtf.layers.equalized import EqualizedConv2D, ModulatedConv2D
from pgtf.layers.kernel_site import SiteFactory
from pgtf.layers.noise import Noise
from pgtf.layers.norm import InstanceNormalization
from pgtf.layers.sync_batch_norm import SyncBatchNormalization


class LayerFactory(SiteFactory):
    """Makes the layers of one network, at paths prefix/NAME.

    Args:
      prefix, recipe, head, norm, upsampling: As for a `SiteFactory`.
      seed: A number or text. The initial values of each layer follow from it and the layer's name.
      init: "normal", N(0, 0.02), or "he" (He et al., 2015). Default: "normal". Equalized layers have their own.
    """

    layers = weightless
    conv2d: Any = Conv2D  # The kinds of its convolutions.
    conv2d_transpose: Any = Conv2DTranspose

    def __init__(self, prefix: str, *, seed: Any = 0, init: str = "normal", **settings: Any) -> None:
        super().__init__(prefix, **settings)
        self.seed, self._init = seed, init

    def kernel(self, name: str, **site: Any) -> dict[str, Any]:
        """Returns the arguments of a convolution that determine its kernel. site: As for `recipe`."""
        return {"recipe": self.recipe(name, **site)}

    def conv(
        self,
        name: str,
        filters: int,
        kernel_size: int,
        *,
        strides: int = 1,
        padding: str = "same",
        task_specific: bool = False,
        inputs: int = 1,
        level: int = 0,
        normed: bool = False,
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a convolution.

        Args:
          name, filters, kernel_size, strides, padding: As for a Keras convolution.
          task_specific: Whether each task has its own free kernel, which is not lent.
          inputs, level: As a `KernelSite` has them.
          normed: Whether a norm follows, which would take a bias out again. Default: False, so it has a bias.
        """
        kernel = self.kernel(name, task_specific=task_specific, inputs=inputs, level=level)
        use_bias = self.has_bias(normed)
        return self.conv2d(filters, kernel_size, strides, padding, use_bias=use_bias, name=name, **kernel)

    def up(
        self,
        name: str,
        filters: int,
        kernel_size: int,
        *,
        task_specific: bool = False,
        inputs: int = 1,
        level: int = 0,
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a layer that doubles height and width.

        It is a transposed convolution, or a resize and a convolution, which makes no checkerboard artifacts.
        """
        if self._upsampling == "transpose":
            kernel = self.kernel(name, task_specific=task_specific, inputs=inputs, level=level)
            return self.conv2d_transpose(filters, kernel_size, 2, "same", name=name, **kernel)
        size = self.up_size(kernel_size)
        convolution = self.conv(name, filters, size, task_specific=task_specific, inputs=inputs, level=level)
        return lambda h: convolution(keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_resize")(h))

    def equalized(
        self,
        name: str,
        filters: int,
        kernel_size: int,
        *,
        strides: int = 1,
        padding: str = "same",
        level: int = 0,
        rate: float = 1.0,
        use_bias: bool = True,
        bias: float = 0.0,
        makes_styles: bool = False,
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes an equalized convolution.

        Args:
          name, filters, kernel_size, strides, padding, use_bias: As for a Keras convolution.
          level, makes_styles: As a `KernelSite` has them.
          rate: Its relative learning rate.
          bias: Initial value of biases, as they are used.
        """
        recipe = self.recipe(name, level=level, makes_styles=makes_styles, spread=1 / rate)
        start = keras.initializers.Constant(bias / rate)
        kinds: dict[str, Any] = dict(use_bias=use_bias, bias_initializer=start, rate=rate)
        return EqualizedConv2D(filters, kernel_size, strides, padding, recipe=recipe, name=name, **kinds)

    def modulated(
        self,
        name: str,
        filters: int,
        kernel_size: int,
        *,
        doubles: bool = False,
        demodulates: bool = True,
        level: int = 0,
    ) -> Callable[[list[tf.Tensor]], tf.Tensor]:
        """Makes a modulated convolution, [map, style] -> map.

        Args:
          name, filters, kernel_size, doubles, demodulates: As for a `ModulatedConv2D`.
          level: As a `KernelSite` has it.
        """
        recipe, kinds = self.recipe(name, level=level, spread=1.0), dict(doubles=doubles, demodulates=demodulates)
        return ModulatedConv2D(filters, kernel_size, padding="same", recipe=recipe, name=name, **kinds)

    def noise(self, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a layer that adds noise."""
        return Noise(seed=self.seed_of(name), name=name)

    def norm(self, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a normalization layer. The identity if norm is "none"."""
        if self._norm == "none":
            return lambda h: h
        if self._norm == "instance":
            return InstanceNormalization(name=name)
        kind = keras.layers.BatchNormalization if replicas.count() == 1 else SyncBatchNormalization
        return kind(momentum=0.9, epsilon=1e-5, name=name)

    def dropout(self, name: str, rate: float) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a dropout layer."""
        return Dropout(rate, seed=self.seed_of(name), name=name)

    def initializer(self, name: str, spread: float = 0.0) -> keras.initializers.Initializer:
        """Returns the initializer of a free kernel; see `recipe`."""
        if spread:
            return keras.initializers.RandomNormal(stddev=spread, seed=self.seed_of(name))
        if self._init == "he":
            return keras.initializers.HeNormal(seed=self.seed_of(name))
        return keras.initializers.RandomNormal(stddev=0.02, seed=self.seed_of(name))

    def seed_of(self, name: str) -> int:
        """Returns a seed that differs for each layer of each network."""
        return seed_of(self.seed, self.prefix, name) & 0x7FFFFFFF  # Keras's initializers take 31 bits.
