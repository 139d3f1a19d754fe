"""Folding: replaces made kernels by plain Keras convolutions."""

import keras
import numpy as np

from pgtf.layers.conv import Conv2D, Conv2DTranspose
from pgtf.layers.equalized import ModulatedConv2D, PlainModulated

PLAIN = {Conv2D: keras.layers.Conv2D, Conv2DTranspose: keras.layers.Conv2DTranspose}


def folded(model: keras.Model) -> keras.Model:
    """Returns a copy of a functional or Sequential model in which every kernel is a plain weight; same outputs."""
    plain = keras.models.clone_model(model, clone_function=_plain)
    for source, target in zip(model.layers, plain.layers):
        if isinstance(source, keras.Model):
            continue  # `_plain` folded it.
        if hasattr(source, "recipe"):
            target.set_weights([np.asarray(source.kernel)] + ([np.asarray(source.offset)] if source.use_bias else []))
        else:
            target.set_weights(source.get_weights())
    return plain


def _plain(layer):
    if isinstance(layer, keras.Model):
        return folded(layer)
    if isinstance(layer, ModulatedConv2D):
        return PlainModulated.of(layer)
    for made, stock in PLAIN.items():
        if isinstance(layer, made):
            return stock.from_config(stock.get_config(layer))  # Not the layer's config: a recipe may have none.
    return layer.__class__.from_config(layer.get_config())
