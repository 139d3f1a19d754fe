"""Compression of a learned task: chooses a kind of --layers for each layer within a budget.

Each kernel of the task is replaced, one at a time, by its compressed form. The cost of that is the mean
squared change of the task's outputs. A knapsack chooses the kinds; the result is a task of the method `layered`.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers, recipes
from pgtf.assembly import build
from pgtf.compression.budget import COMMON
from pgtf.compression.kernel_pair import KINDS, KernelPair, fits
from pgtf.compression.knapsack import chosen
from pgtf.foundation.progress import Bar
from pgtf.layers.folding import INFERENCE
from pgtf.layers.inference import products
from pgtf.methods import Bank, Layered
from pgtf.networks import Architecture

BATCH = 16


@dataclasses.dataclass(frozen=True)
class LayerChoice:
    """The kind that was chosen for a layer, in all networks of the task.

    Args:
      name: Name of the layer.
      kind: Its kind, with a precision if it has one.
      bytes: Bytes that it takes; at most, if it is repaired.
      change: Mean squared change of the outputs if this layer alone is compressed.
    """

    name: str
    kind: str
    bytes: int
    change: float


def choose(
    networks: Mapping[str, keras.Model],
    bank: Bank,
    inputs: Mapping[str, np.ndarray],
    budget: int,
    final: bool = True,
) -> list[LayerChoice]:
    """Chooses a kind for each layer of a task.

    Args:
      networks: {prefix: network} of the task.
      bank: The bank of its first task alone.
      inputs: {prefix: float images} on which changes are measured.
      budget: Maximum number of bytes of all kernels; heads, norms and biases are not counted.
      final: Whether the result is stored as it is, without repair. Default: yes.
    """
    options: dict[str, dict[str, tuple[int, float]]] = {}  # {layer: {kind: (bytes, change)}}
    bar = Bar("comparing", sum(len(layers.made_kernels(network)) for network in networks.values()), "layers", silent=5)
    for prefix, network in networks.items():
        plain = layers.folded(network, INFERENCE)
        apply = tf.function(functools.partial(_with_products, plain), autograph=False)
        wanted = outputs(apply, inputs[prefix])
        for path in layers.made_kernels(network):
            bar.show(bar.done + 1, path)
            lent = bank.lent(path)
            if not lent.parts or lent.shape != tuple(layers.made_kernels(network)[path].kernel_shape):
                continue  # A task-specific layer, or the first one of a task with other input channels.
            name = path.split("/", 1)[1]
            variable = plain.get_layer(name).weights[0]
            kernel, turned = variable.numpy(), isinstance(plain.get_layer(name), keras.layers.Conv2DTranspose)
            pair = KernelPair(_canonical(kernel, turned), np.asarray(lent))
            possible = [kind for kind in KINDS if fits(kind, pair.first.shape)]
            found = options.setdefault(name, dict.fromkeys(possible, (0, 0.0)))
            for kind in possible:
                made, size = pair.compressed(kind, final)
                size += found[kind][0]
                if size > budget:  # It can't be chosen, whatever it changes.
                    found[kind] = size, math.inf
                    continue
                variable.assign(_canonical(made, turned))
                change = float(np.mean((outputs(apply, inputs[prefix]) - wanted) ** 2))
                found[kind] = size, found[kind][1] + change
            variable.assign(kernel)
    places = chosen([list(found.values()) for found in options.values()], budget)
    return [
        LayerChoice(name, list(found)[place], *list(found.values())[place])
        for (name, found), place in zip(options.items(), places)
    ]


def method_of(choices: Sequence[LayerChoice]) -> Layered:
    """Returns the method `layered` that stores each layer in its chosen kind."""
    kept = [f"{choice.name}:{choice.kind}" for choice in choices if choice.kind != "frozen"]
    return Layered(",".join([*kept, "inner:frozen", COMMON]))


def built(
    architecture: Architecture,
    method: Layered,
    networks: Mapping[str, keras.Model],
    values: Mapping[str, np.ndarray],
    bank: Bank,
) -> dict[str, keras.Model]:
    """Builds networks of a method that start as near as it allows to a task's.

    Args:
      architecture: The task's.
      method: How the kernels are made.
      networks: {prefix: network} of the task.
      values: {path: array} that the task stores.
      bank: The bank of its first task alone.
    """
    made = build.generators(architecture, method, tuple(networks), bank)
    for prefix, network in made.items():
        layers.copy_matching(network, values)
        kernels = layers.made_kernels(networks[prefix])
        for path, recipe in layers.made_kernels(network).items():
            kernel = kernels[path].kernel().numpy()
            if isinstance(recipe, recipes.Full):
                recipe.unconstrained.assign(kernel)
            elif isinstance(recipe, recipes.Delta):
                recipe.difference.assign(kernel - np.asarray(bank.lent(path)))
            elif isinstance(recipe, recipes.Lora):
                left, right = KernelPair(kernel, np.asarray(bank.lent(path))).factors(recipe.rank)
                recipe.restore({"shift_left": left, "shift_right": right})
    return made


def outputs(network: Any, inputs: np.ndarray) -> np.ndarray:
    """Returns a network's outputs for float inputs [n, …], in batches."""
    parts = range(0, len(inputs), BATCH)
    return np.concatenate([network(inputs[start : start + BATCH], training=False).numpy() for start in parts])


def _with_products(network: keras.Model, images: tf.Tensor, training: bool) -> tf.Tensor:
    """Applies a network; small maps are matrix products, a tenth of the time for transposed convolutions."""
    with products(network):
        return network(images, training=training)


def _canonical(kernel: np.ndarray, turned: bool) -> np.ndarray:
    """Swaps the channel axes of a transposed convolution's kernel: Keras has [h, w, c_out, c_in] there."""
    return kernel.transpose(0, 1, 3, 2) if turned else kernel
