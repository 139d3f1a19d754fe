"""Instance normalization: the one file that knows tensorflow-addons."""

import warnings
from typing import Any, Optional

import keras
import tensorflow as tf

from pgtf.layers.plain import plain
from pgtf.layers.shaped import Shaped

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Its end-of-life notice: the pins hold it at a version that works.
    import tensorflow_addons as tfa


@keras.saving.register_keras_serializable(package="pgtf")
class InstanceNormalization(Shaped, tfa.layers.InstanceNormalization):
    """Each channel of each image to mean 0, variance 1, then scaled and shifted.

    Always in float32, whatever the policy: the mean of a large map is beyond 16 bits. The epsilon is torch's (and so
    the paper's networks'), not tensorflow-addons'.
    """

    def __init__(
        self, epsilon: float = 1e-5, output_dtype: Optional[str] = None, dtype: Any = "float32", **kwargs: Any
    ) -> None:
        kwargs.pop("groups", None)  # In the parent's config, but fixed by it.
        super().__init__(epsilon=epsilon, dtype=dtype, **kwargs)
        self.output_dtype = output_dtype or keras.mixed_precision.global_policy().compute_dtype

    @plain
    def call(self, x: tf.Tensor) -> tf.Tensor:
        # The parent's call first takes the shape apart, for groups of channels; here each channel is one.
        return tf.cast(self._apply_normalization(x, tuple(x.shape)), self.output_dtype)

    def compute_output_signature(self, input_signature: tf.TensorSpec) -> tf.TensorSpec:
        return tf.TensorSpec(input_signature.shape, self.output_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_dtype": self.output_dtype}
