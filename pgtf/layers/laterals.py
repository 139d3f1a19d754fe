"""Columns (Rusu et al., 2016; as Zhai et al. describe them): earlier networks run, frozen, inside a new one.

The input of a layer of the new column is h + lateral([h₁ … hₙ]): h is the layer's input in a network alone, hᵢ the
input of the layer of the same name in column i, and lateral a 1 × 1 convolution of the concatenated hᵢ.
"""

from typing import Any, Callable

import keras
import tensorflow as tf

from pgtf.layers.network_state import made_kernels


class Laterals:
    """A factory of the layers of a new column.

    Task-specific layers get no lateral; nor does the first layer, because all columns have the same input image.

    Args:
      make: A factory of layers.
      earlier: (layer name, h) -> inputs of the layers of that name in earlier columns, concatenated
        [n, h, w, columns·c].
    """

    def __init__(self, make: Any, earlier: Callable[[str, tf.Tensor], tf.Tensor]) -> None:
        self._make, self._earlier = make, earlier
        self._is_first = True

    def conv(self, name: str, *args: Any, **kwargs: Any) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a convolution."""
        return self._joined(name, self._make.conv(name, *args, **kwargs), **kwargs)

    def up(self, name: str, *args: Any, **kwargs: Any) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a layer that doubles height and width."""
        return self._joined(name, self._make.up(name, *args, **kwargs), **kwargs)

    def norm(self, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a normalization layer."""
        return self._make.norm(name)

    def dropout(self, name: str, rate: float) -> Callable[[tf.Tensor], tf.Tensor]:
        """Makes a dropout layer."""
        return self._make.dropout(name, rate)

    def _joined(self, name, layer, task_specific=False, **_):
        if self._is_first or task_specific:
            self._is_first = False
            return layer

        def joined(h):
            lateral = self._make.conv(f"{name}_lateral", h.shape[-1], 1, task_specific=True)
            return layer(keras.layers.Add(name=f"{name}_sum")([h, lateral(self._earlier(name, h))]))

        return joined


def columns(network: keras.Model) -> keras.Model:
    """Returns all columns of a network as a frozen model, to run inside the next task's network.

    Args:
      network: The latest task's network; if it was made with `Laterals`, it contains the earlier columns.

    Returns:
      A model: image -> {layer name: inputs of the layers of that name, concatenated [n, h, w, columns·c]}, for all
      layers that are not task-specific, except the first.
    """
    names = [path.split("/", 1)[1] for path, recipe in made_kernels(network).items() if recipe.lends]
    frozen = keras.Model(network.input, {name: _given(network, name) for name in names[1:]}, name="columns")
    frozen.trainable = False
    return frozen


def planned_columns(count: int) -> Callable[[str, tf.Tensor], tf.Tensor]:
    """Returns placeholders for the inputs from `count` columns as wide as the new one; used before they are learned."""
    return lambda name, h: keras.Input((None, None, count * h.shape[-1]))


def _given(network, name):
    found = {layer.name: layer for layer in network.layers}
    if f"{name}_sum" not in found:
        return found.get(f"{name}_resize", found[name]).input
    h, _ = found[f"{name}_sum"].input
    return keras.layers.Concatenate()([found[f"{name}_lateral"].input, h])
