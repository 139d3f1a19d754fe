"""Builds networks faster: the outputs' shapes of Keras's own layers are computed, as pgtf's are, not traced.

Keras 2.15 runs each layer in a scratch graph to learn its output's shape: two fifths of building a tiny network.
"""

import keras
import tensorflow as tf

_layers = keras.layers
LAYERS = (
    *(_layers.Activation, _layers.Add, _layers.BatchNormalization, _layers.Concatenate, _layers.Conv2D),
    *(_layers.Conv2DTranspose, _layers.Dense, _layers.LeakyReLU, _layers.ReLU),
)


def compute_known_shapes():
    """Lets Keras compute the shapes of LAYERS; their subclasses and all other layers are traced as before."""
    traced = getattr(_layers.Layer, "_infer_output_signature", None)
    if not traced:
        return  # Keras 3.

    def inferred(layer, inputs, args, kwargs, masks):
        if type(layer) not in LAYERS or layer.activity_regularizer:
            return traced(layer, inputs, args, kwargs, masks)
        with tf.name_scope(layer.name):
            layer._maybe_build(inputs)
        shape = layer.compute_output_shape(tf.nest.map_structure(lambda tensor: tensor.shape, inputs))
        return type(tf.nest.flatten(inputs)[0])(tf.TensorSpec(shape, layer.compute_dtype))

    inferred.traced = traced
    _layers.Layer._infer_output_signature = inferred
