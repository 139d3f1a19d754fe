"""Builds networks of several tasks that share variables: a task mixes filters of others without copying them."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from pgtf import layers
from pgtf.assembly.parameters import recipe_at
from pgtf.recipes.full import Full
from pgtf.recipes.piggyback import Piggyback

# {(task, layer path): variable of the unconstrained filters}
Filters = dict[tuple[str, str], tf.Variable]


class SharingPiggyback(Piggyback):
    """A piggyback kernel whose bank is the concatenation of other tasks' variables.

    It mixes filters or activations, whichever is cheaper for one image of the size that the network is built with. The
    choice holds for every size.

    Args:
      own: The task's recipe, not built yet.
      filters: The unconstrained filters of all earlier tasks.
    """

    def __init__(self, own: Piggyback, filters: Mapping[tuple[str, str], tf.Variable]):
        super().__init__(**{**own.get_config(), "strategy": "compose"})
        self._parts = [filters[lender] for lender in own.lenders]

    def add_bank(self) -> None:
        """Adds no variables: the lenders' variables are the bank."""

    @property
    def bank(self) -> tf.Tensor:
        """The filters of all lenders [h, w, c_in, B]."""
        return tf.concat([tf.convert_to_tensor(part) for part in self._parts], axis=-1)

    def output(self, x, convolve, output_shape):
        if self.mixing is not None and None not in (*x.shape[1:3], *output_shape[1:3]):
            mixed = (*self.kernel_shape[:3], self.mixing.shape[-1])
            mixes = _mixing_answers_sooner(mixed, self.bank_filters, x.shape, output_shape)
            self.strategy = "mix" if mixes else "compose"
        return super().output(x, convolve, output_shape)


def _mixing_answers_sooner(kernel_shape: tuple, bank_filters: int, x_shape: tuple, y_shape: tuple) -> bool:
    """Returns whether one image takes fewer multiply-adds by mixing activations than by composing [h, w, c_in, p]."""
    height, width, c_in, p = kernel_shape
    inputs, outputs = x_shape[1] * x_shape[2], y_shape[1] * y_shape[2]
    k, positions = height * width * c_in, min(inputs, outputs)
    return positions * k * bank_filters + outputs * bank_filters * p < k * bank_filters * p + positions * k * p


def sharing_network(task: Any, prefix: str, filters: Filters) -> keras.Model:
    """Builds one network of a piggyback task without a copy of the filters that it borrows.

    Args:
      task: A task, as `pgtf.load(run_dir)[name]` returns it.
      prefix: The direction of the network.
      filters: The filters of all tasks that it borrows from. This task's filters are added.

    Returns:
      The network with the task's values.
    """
    facts = task.facts
    shape, method = facts.architecture.of(prefix), facts.method

    def recipe(place: layers.KernelSite) -> Any:
        own = recipe_at(facts.architecture, method, place, task.bank)
        return SharingPiggyback(own, filters) if isinstance(own, Piggyback) else own

    make = layers.LayerFactory(prefix, recipe=recipe, norm=shape.norm, upsampling=shape.upsampling)
    image = keras.Input((*shape.size, shape.inputs))
    network = keras.Model(image, shape(image, make, method.width(shape.width)), name=prefix)
    layers.restore(network, task.slice.values)
    for path, made in layers.made_kernels(network).items():
        if isinstance(made, (Full, SharingPiggyback)) and made.unconstrained is not None:
            filters[task.name, path] = made.unconstrained
    return network
