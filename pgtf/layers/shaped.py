"""Layers that say what they make, so that a network is built without running each of them."""

from typing import Any, Optional

import keras
import tensorflow as tf


class Shaped(keras.layers.Layer):
    """A layer of one input whose `compute_output_shape` and `output_dtype` are right.

    Keras 2.15 runs each layer in a graph of its own, then throws the graph away, to see the shape and type of what
    comes out: three fifths of the time of building a network. What is overridden here is no public method.
    """

    output_dtype: Optional[str] = None  # None: the one that it computes in.

    def _infer_output_signature(self, inputs: Any, args: Any, kwargs: Any, input_masks: Any) -> Any:
        if self.activity_regularizer is not None:  # It makes a loss of what comes out.
            return super()._infer_output_signature(inputs, args, kwargs, input_masks)
        with tf.name_scope(self.name):
            self._maybe_build(inputs)
        return type(inputs)(self._output_signature(inputs))

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Keras 3 asks for shape and type here."""
        signature = self._output_signature(inputs)
        return keras.KerasTensor(signature.shape.as_list(), signature.dtype.name)

    def _output_signature(self, inputs: Any) -> tf.TensorSpec:
        return tf.TensorSpec(self.compute_output_shape(tuple(inputs.shape)), self.output_dtype or self.compute_dtype)
