"""Instance normalization. No other file imports tensorflow-addons."""

import warnings
from typing import Any, Optional

import keras
import tensorflow as tf

from pgtf.layers.autograph import without_autograph
from pgtf.layers.known_shape import KnownShape


class KerasInstanceNormalization(keras.layers.GroupNormalization):
    """Replacement for tensorflow_addons' layer if that is not installed: the same variables and operations."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(groups=-1, **kwargs)

    def _apply_normalization(self, x: tf.Tensor, input_shape: Any) -> tf.Tensor:
        del input_shape
        mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, self.beta, self.gamma, self.epsilon)


try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The end-of-life notice of tensorflow-addons; the pinned version works.
        from tensorflow_addons.layers import InstanceNormalization as _Parent
except ImportError:
    _Parent = KerasInstanceNormalization


@keras.saving.register_keras_serializable(package="pgtf")
class InstanceNormalization(KnownShape, _Parent):
    """Normalizes each channel of each image to mean 0 and variance 1, then scales and shifts it.

    Computes in float32 under any dtype policy: the mean of a large map needs more than 16 bits. Epsilon is PyTorch's,
    which the paper's networks use, not that of tensorflow-addons.
    """

    def __init__(
        self, epsilon: float = 1e-5, output_dtype: Optional[str] = None, dtype: Any = "float32", **kwargs: Any
    ) -> None:
        kwargs.pop("groups", None)  # In the parent's config, but the parent sets it.
        super().__init__(epsilon=epsilon, dtype=dtype, **kwargs)
        self.output_dtype = output_dtype or keras.mixed_precision.global_policy().compute_dtype

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        # The parent's call first reshapes to groups of channels; here each channel is its own group.
        y = self._apply_normalization(tf.cast(x, self.compute_dtype), tuple(x.shape))
        return tf.cast(y, self.output_dtype)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_dtype": self.output_dtype}
