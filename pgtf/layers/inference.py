"""Layers for inference: plain kernels whose values can be replaced, and matrix products for small maps."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any, Callable

import keras
import tensorflow as tf

from pgtf.layers import small_maps
from pgtf.layers.autograph import without_autograph
from pgtf.layers.factory import LayerFactory
from pgtf.layers.known_shape import KnownShape


class _InferenceConv(KnownShape):
    """Base of both convolutions. takes_products: Whether small maps of known size are computed as matrix products."""

    takes_products = False

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        y = self._product(x) if self.takes_products and None not in x.shape else None
        if y is None:
            return super().call(x)
        return tf.nn.bias_add(y, tf.convert_to_tensor(self.bias)) if self.use_bias else y


class Conv2D(_InferenceConv, keras.layers.Conv2D):
    """keras.layers.Conv2D for inference, without activation."""

    def _product(self, x):
        positions = math.prod(self.compute_output_shape(tuple(x.shape))[:3])
        if not small_maps.suits(positions, x.shape[-1], transposed=False):
            return None
        return small_maps.convolved(x, tf.convert_to_tensor(self.kernel), self.strides, self.padding)


class Conv2DTranspose(_InferenceConv, keras.layers.Conv2DTranspose):
    """keras.layers.Conv2DTranspose for inference, without activation."""

    def _product(self, x):
        if not small_maps.suits(math.prod(x.shape[:3]), x.shape[-1], transposed=True, learns=False):
            return None
        _, height, width, _ = self.compute_output_shape(tuple(x.shape))
        kernel = tf.convert_to_tensor(self.kernel)
        return small_maps.transposed(x, kernel, self.strides, (height, width), outputs_first=True)


class BatchNormalization(KnownShape, keras.layers.BatchNormalization):
    """keras.layers.BatchNormalization, which Keras 2.15 builds in a scratch graph, in a third of a network's time."""


class InferenceFactory(LayerFactory):
    """Makes the layers of a network for inference. Their values are zeros until they are assigned."""

    conv2d, conv2d_transpose = Conv2D, Conv2DTranspose

    def kernel(self, name: str, **site: Any) -> dict[str, Any]:
        return {"kernel_initializer": "zeros"}

    def norm(self, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
        if self._norm != "batch":
            return super().norm(name)
        # A policy of 16-bit variables would round the averages.
        dtype = keras.mixed_precision.global_policy().compute_dtype
        settings = {"dtype": f"mixed_{dtype}"} if dtype != "float32" else {}
        return BatchNormalization(epsilon=1e-5, name=name, **settings)

    def dropout(self, name: str, rate: float) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns the identity: nothing is dropped in inference."""
        return lambda h: h


@contextlib.contextmanager
def products(network: keras.Model) -> Iterator[None]:
    """Inside the block, layers of a network that are traced take matrix products for small maps.

    They give the same values up to rounding, in half the time of a U-Net on a CPU. A GPU uses its own convolutions.
    """
    chosen = [layer for layer in network.layers if isinstance(layer, _InferenceConv)]
    allowed = not tf.config.list_physical_devices("GPU")
    for layer in chosen:
        layer.takes_products = allowed
    try:
        yield
    finally:
        for layer in chosen:
            layer.takes_products = False
