"""A network's state: {layer path: array} of everything that its task stores, and how to restore it."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from pgtf.layers.conv import Conv2D, Conv2DTranspose
from pgtf.layers.dropout import DRAWS
from pgtf.layers.norm import InstanceNormalization
from pgtf.recipes.base import Recipe


def made_kernels(network: keras.Model) -> dict[str, Recipe]:
    """Returns {layer path: recipe} of the layers with made kernels."""
    return {
        f"{network.name}/{layer.name}": layer.recipe
        for layer in network.layers
        if isinstance(layer, (Conv2D, Conv2DTranspose))
    }


def prepare_for_training(network: keras.Model) -> None:
    """Makes training of an initialized network faster; outputs stay the same up to rounding."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            prepare_for_training(layer)
        elif isinstance(layer, (Conv2D, Conv2DTranspose)):
            layer.prepare_for_training()


def state(network: keras.Model) -> dict[str, np.ndarray]:
    """Returns {"forward/down1/unconstrained": array, …}, everything that a task stores of a network."""
    values = {}
    for layer in _own_layers(network):
        path = f"{network.name}/{layer.name}"
        if isinstance(layer, (Conv2D, Conv2DTranspose)):
            values.update({f"{path}/{name}": value for name, value in layer.recipe.state().items()})
        values.update({f"{path}/{name}": np.asarray(variable) for name, variable in _others(layer).items()})
    return values


def variables(network: keras.Model) -> dict[str, tf.Variable]:
    """Returns {path: variable} of the variables that only this task learns, under the paths of `state`."""
    found = {}
    for layer in _own_layers(network):
        made = layer.recipe.task_variables() if isinstance(layer, (Conv2D, Conv2DTranspose)) else {}
        found.update({f"{network.name}/{layer.name}/{name}": one for name, one in {**made, **_others(layer)}.items()})
    return found


def lent(network: keras.Model) -> set[str]:
    """Returns the paths in `state` of the arrays that later tasks may mix."""
    return {
        f"{path}/{name}"
        for path, recipe in made_kernels(network).items()
        for name, spec in recipe.specs(recipe.kernel_shape).items()
        if spec.lent
    }


def precisions(network: keras.Model) -> dict[str, str]:
    """Returns {path in `state`: precision} of the arrays of recipes; "" is the precision of the run."""
    return {
        f"{path}/{name}": spec.precision
        for path, recipe in made_kernels(network).items()
        for name, spec in recipe.stored(recipe.kernel_shape).items()
    }


def rates(network: keras.Model) -> list[tuple[tf.Variable, float]]:
    """Returns [(variable, learning rate)] of the variables that have a learning rate other than the run's."""
    return [
        (recipe.task_variables()[name], rate)
        for recipe in made_kernels(network).values()
        for name, rate in recipe.rates().items()
    ]


def restore(network: keras.Model, values: Mapping[str, np.ndarray]) -> None:
    """Restores the arrays that `state` returned. Every array that the network needs must be present."""
    for layer in _own_layers(network):
        path = f"{network.name}/{layer.name}"
        if isinstance(layer, (Conv2D, Conv2DTranspose)):
            layer.recipe.restore({name: values[f"{path}/{name}"] for name in layer.recipe.task_variables()})
        for name, variable in _others(layer).items():
            variable.assign(values[f"{path}/{name}"])


def copy_matching(network: keras.Model, values: Mapping[str, np.ndarray]) -> None:
    """Copies the arrays of another task's state that match by path and shape: norms, biases and free kernels.

    Kernels that recipes compose have other arrays and keep their initial values. A first layer of other input channels
    starts as the mean over the other's channels, scaled so that an image with equal channels gives the same output.
    """
    own = state(network)
    fitting = {path: values[path] for path in own if path in values and own[path].shape == values[path].shape}
    first = f"{next(iter(made_kernels(network)), '')}/unconstrained"
    if first in own and first in values and first not in fitting:
        (*size, channels, filters), kernel = own[first].shape, np.asarray(values[first])
        if kernel.shape[:2] == tuple(size) and kernel.shape[3] == filters:
            fitting[first] = np.repeat(kernel.sum(axis=2, keepdims=True) / channels, channels, axis=2)
    restore(network, {**own, **fitting})


def keep_norms(network: keras.Model, values: Mapping[str, np.ndarray]) -> None:
    """Restores norms from another task's state, and excludes them from training. Those of other widths are left.

    Args:
      network: A network.
      values: What `state` returned of a network with the same layers.
    """
    for layer in _own_layers(network):
        if isinstance(layer, (keras.layers.BatchNormalization, InstanceNormalization)):
            kept = {name: values.get(f"{network.name}/{layer.name}/{name}") for name in _others(layer)}
            if all(value is not None and value.shape == _others(layer)[name].shape for name, value in kept.items()):
                for name, variable in _others(layer).items():
                    variable.assign(kept[name])
                layer.trainable = False  # A batch norm then uses its averages in training, too.


def _own_layers(network):
    """Returns a network's layers without nested networks, which are earlier tasks' and borrowed."""
    return [layer for layer in network.layers if not isinstance(layer, keras.Model)]


def _others(layer):
    """Returns {name: variable} of a layer's bias, norm or strength; not its recipe's variables, nor its counters."""
    borrowed = {id(v) for v in layer.recipe.weights} if hasattr(layer, "recipe") else ()
    own = [variable for variable in layer.weights if id(variable) not in borrowed]
    named = {variable.name.split("/")[-1].split(":")[0]: variable for variable in own}
    return {name: variable for name, variable in named.items() if name != DRAWS}
