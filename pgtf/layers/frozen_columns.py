"""Columns: all earlier networks of a run as one frozen network, for `Laterals` of the next task."""

import keras

from pgtf.layers.network_state import made_kernels


def columns(network: keras.Model) -> keras.Model:
    """Returns all columns of a network as a frozen model, to run inside the next task's network.

    Args:
      network: The latest task's network; if it was made with `Laterals`, it contains the earlier columns.

    Returns:
      A model: image -> {layer name: inputs of the layers of that name, concatenated [n, h, w, columns·c]}, for all
      layers that are not task-specific, except the first.
    """
    names = [path.split("/", 1)[1] for path, recipe in made_kernels(network).items() if recipe.lends]
    given = {name: _given(network, name) for name in names[1:]}
    frozen = keras.Model(network.input, given or {"image": network.input}, name="columns")  # Keras 3 refuses none.
    frozen.trainable = False
    return frozen


def _given(network, name):
    found = {layer.name: layer for layer in network.layers}
    if f"{name}_sum" not in found:
        return found.get(f"{name}_resize", found[name]).input
    h, _ = found[f"{name}_sum"].input
    return keras.layers.Concatenate()([found[f"{name}_lateral"].input, h])
