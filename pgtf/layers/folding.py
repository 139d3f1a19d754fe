"""Folding: replaces made kernels by plain Keras convolutions."""

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from pgtf.layers import inference
from pgtf.layers.conv import Conv2D, Conv2DTranspose
from pgtf.layers.equalized import ModulatedConv2D, PlainModulated

PLAIN = {Conv2D: keras.layers.Conv2D, Conv2DTranspose: keras.layers.Conv2DTranspose}
INFERENCE = {Conv2D: inference.Conv2D, Conv2DTranspose: inference.Conv2DTranspose}


def folded(model: keras.Model, kinds: Mapping[Any, Any] = MappingProxyType(PLAIN)) -> keras.Model:
    """Returns a copy of a functional or Sequential model in which every kernel is a plain weight; same outputs.

    Args:
      model: The model.
      kinds: {layer with a recipe: layer with a plain kernel}. INFERENCE has layers that may compute small maps as
        matrix products. Default: PLAIN, Keras's own.
    """
    plain = keras.models.clone_model(model, clone_function=functools.partial(_plain, kinds))
    for source, target in zip(model.layers, plain.layers):
        if isinstance(source, keras.Model):
            continue  # `_plain` folded it.
        if hasattr(source, "recipe"):
            target.set_weights([np.asarray(source.kernel)] + ([np.asarray(source.offset)] if source.use_bias else []))
        else:
            target.set_weights(source.get_weights())
    return plain


def _plain(kinds, layer):
    if isinstance(layer, keras.Model):
        return folded(layer, kinds)
    if isinstance(layer, ModulatedConv2D):
        return PlainModulated.of(layer)
    for made, stock in kinds.items():
        if isinstance(layer, made):
            return stock.from_config(PLAIN[made].get_config(layer))  # Not the layer's config: a recipe may have none.
    return layer.__class__.from_config(layer.get_config())
