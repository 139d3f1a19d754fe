"""Columns (Rusu et al., 2016; as Zhai et al. describe them): earlier networks run, frozen, inside a new one.

A layer of the new column is given h + lateral([h₁ … hₙ]), where h is what it would be given in a network alone, hᵢ what
its twin in column i would, side by side, and the lateral a convolution with kernels of 1 × 1.
"""

from typing import Any, Callable

import keras
import tensorflow as tf

from pgtf.layers.network_state import made_kernels


class Laterals:
    """A maker of the layers of a new column.

    Task-specific layers get no lateral, nor does the first layer: all columns see the same image.

    Args:
      make: A maker of layers.
      earlier: (layer name, h) -> what the layer's twins are given, side by side [n, h, w, columns·c].
    """

    def __init__(self, make: Any, earlier: Callable[[str, tf.Tensor], tf.Tensor]) -> None:
        self._make, self._earlier = make, earlier
        self._is_first = True

    def conv(self, name: str, *args: Any, **kwargs: Any) -> Callable[[tf.Tensor], tf.Tensor]:
        """A convolution."""
        return self._joined(name, self._make.conv(name, *args, **kwargs), **kwargs)

    def up(self, name: str, *args: Any, **kwargs: Any) -> Callable[[tf.Tensor], tf.Tensor]:
        """A layer that doubles the size."""
        return self._joined(name, self._make.up(name, *args, **kwargs), **kwargs)

    def norm(self, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
        """A normalization."""
        return self._make.norm(name)

    def dropout(self, name: str, rate: float) -> Callable[[tf.Tensor], tf.Tensor]:
        """A dropout."""
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
    """The columns that a network ends with and runs, as a frozen model to run in the next one.

    Args:
      network: The latest task's; if it was made with `Laterals`, the columns before it are inside.

    Returns:
      image -> {layer name: what the layers of that name are given, side by side [n, h, w, columns·c]}, for all that are
      not task-specific but the first.
    """
    names = [path.split("/", 1)[1] for path, recipe in made_kernels(network).items() if recipe.lends]
    frozen = keras.Model(network.input, {name: _given(network, name) for name in names[1:]}, name="columns")
    frozen.trainable = False
    return frozen


def planned_columns(count: int) -> Callable[[str, tf.Tensor], tf.Tensor]:
    """What stands for `count` columns where nothing is learnt yet: they are as wide as the new one."""
    return lambda name, h: keras.Input((None, None, count * h.shape[-1]))


def _given(network, name):
    found = {layer.name: layer for layer in network.layers}
    if f"{name}_sum" not in found:
        return found.get(f"{name}_resize", found[name]).input
    h, _ = found[f"{name}_sum"].input
    return keras.layers.Concatenate()([found[f"{name}_lateral"].input, h])
