"""Layers that say what they make, so that a network is built without running each of them."""

from typing import Any

import keras
import tensorflow as tf


class Shaped(keras.layers.Layer):
    """A layer of one input whose `compute_output_signature` is right.

    Keras 2.15 runs each layer in a graph of its own, then throws the graph away, to see the shape and type of what
    comes out: three fifths of the time of building a network. What is overridden here is no public method.
    """

    def _infer_output_signature(self, inputs: Any, args: Any, kwargs: Any, input_masks: Any) -> Any:
        if self.activity_regularizer is not None:  # It makes a loss of what comes out.
            return super()._infer_output_signature(inputs, args, kwargs, input_masks)
        with tf.name_scope(self.name):
            self._maybe_build(inputs)
        return type(inputs)(self.compute_output_signature(tf.TensorSpec(inputs.shape, inputs.dtype)))
