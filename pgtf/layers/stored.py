"""A network's state by layer path: what a task keeps of it, and taking it back."""

import numpy as np

from pgtf.layers.conv import Conv2D, Conv2DTranspose
from pgtf.layers.dropout import Dropout


def stored(network):
    """{"forward/down1/unconstrained": array, …}: what a task alone must keep of a network."""
    values = {}
    for layer in network.layers:
        path = f"{network.name}/{layer.name}"
        if isinstance(layer, (Conv2D, Conv2DTranspose)):
            values.update({f"{path}/{name}": value for name, value in layer.recipe.stored().items()})
        values.update({f"{path}/{name}": np.asarray(variable) for name, variable in _plain(layer).items()})
    return values


def restore(network, values):
    """Takes back what `stored` gave; every value that the network needs must be there."""
    for layer in network.layers:
        path = f"{network.name}/{layer.name}"
        if isinstance(layer, (Conv2D, Conv2DTranspose)):
            layer.recipe.restore({name: values[f"{path}/{name}"] for name in layer.recipe.own()})
        for name, variable in _plain(layer).items():
            variable.assign(values[f"{path}/{name}"])


def begin_as(network, values):
    """Takes of another task's values what fits as it is: norms, biases and kernels that are variables.

    Kernels that a recipe makes have other shapes, and begin as their recipe says.
    """
    own = stored(network)
    fitting = {path: value for path, value in values.items() if path in own and own[path].shape == value.shape}
    restore(network, {**own, **fitting})


def _plain(layer):
    """{name: variable} of a layer's own state: bias, norm; not its recipe's variables, nor a dropout's count."""
    if isinstance(layer, Dropout):
        return {}
    borrowed = {id(v) for v in layer.recipe.weights} if hasattr(layer, "recipe") else ()
    own = [variable for variable in layer.weights if id(variable) not in borrowed]
    return {variable.name.split("/")[-1].split(":")[0]: variable for variable in own}
