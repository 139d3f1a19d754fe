"""Builds networks of several tasks that share variables: a task mixes filters of others without copying them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.assembly.parameters import recipe_at
from pgtf.layers.autograph import without_autograph
from pgtf.layers.known_shape import KnownShape
from pgtf.recipes.base import Recipe
from pgtf.recipes.piggyback import Piggyback

# {(task, layer path): variable of the unconstrained filters}
Filters = dict[tuple[str, str], tf.Variable]


class _Sharing(KnownShape):
    """Base of both convolutions: for inference, with a task's own filters and mixes of other tasks' filters.

    It mixes filters or activations, whichever is cheaper for one image of the size that the network is built with. The
    choice holds for every size.

    Args:
      recipe: The recipe of the kernel, not built yet.
      lenders: The variables of the filters that it mixes, in order.

    Attributes:
      mixes_activations: Whether it convolves with the bank and mixes the activations.
    """

    mixes_activations = False

    def __init__(self, *args: Any, recipe: Recipe, lenders: Sequence[tf.Variable], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._specs, self._gain = recipe.specs, getattr(recipe, "gain", 1.0)
        self.lenders = lambda: lenders  # A list would count as this layer's variables.

    def build(self, input_shape: tuple) -> None:
        specs = self._specs((*self.kernel_size, input_shape[-1], self.filters))
        shapes = {name: spec.shape for name, spec in specs.items()}
        if "unconstrained" in shapes:
            shapes["unconstrained"] = tuple(shapes["unconstrained"][axis] for axis in self.axes)
        if self.use_bias:
            shapes["bias"] = (self.filters,)
        added = {name: self.add_weight(name=name, shape=shape, initializer="zeros") for name, shape in shapes.items()}
        self.unconstrained, self.mixing, self.bias = map(added.get, ("unconstrained", "mixing", "bias"))
        if self.mixing is not None:
            bank_filters, mixed = shapes["mixing"]
            kernel_shape = (*self.kernel_size, input_shape[-1], mixed)
            maps = input_shape, self.compute_output_shape(input_shape)
            self.mixes_activations = mixing_activations_is_cheaper(kernel_shape, bank_filters, *maps)
        self.built = True

    @without_autograph
    def call(self, x: tf.Tensor) -> tf.Tensor:
        own = [] if self.unconstrained is None else [tf.convert_to_tensor(self.unconstrained)]
        if self.mixing is None:
            y = self.convolved(x, *own)
        else:
            mixing, bank = tf.convert_to_tensor(self.mixing) * self._gain, map(tf.convert_to_tensor, self.lenders())
            if self.mixes_activations:
                mixed = tf.tensordot(tf.concat([self.convolved(x, part) for part in bank], -1), mixing, 1)
                y = tf.concat([*(self.convolved(x, part) for part in own), mixed], -1)
            else:
                y = self.convolved(x, self.joined([*own, self.mixed(self.joined(list(bank)), mixing)]))
        return y if self.bias is None else tf.nn.bias_add(y, tf.convert_to_tensor(self.bias))

    def joined(self, kernels: Sequence[tf.Tensor]) -> tf.Tensor:
        """Joins kernels side by side."""
        return tf.concat(kernels, self.axes.index(3))


class SharingConv2D(_Sharing, keras.layers.Conv2D):
    """A convolution. axes: The axes of [h, w, c_in, c_out] in the order in which filters are stored."""

    axes = (0, 1, 2, 3)

    def convolved(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolves x with a kernel."""
        return tf.nn.conv2d(x, kernel, self.strides, self.padding.upper())

    def mixed(self, bank: tf.Tensor, mixing: tf.Tensor) -> tf.Tensor:
        """Mixes filters, [h, w, c_in, B] and [B, p] to [h, w, c_in, p]."""
        return tf.tensordot(bank, mixing, 1)


class SharingConv2DTranspose(_Sharing, keras.layers.Conv2DTranspose):
    """A transposed convolution. Its filters are stored as TensorFlow takes them, so that no call transposes them."""

    axes = (0, 1, 3, 2)

    def convolved(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Applies a transposed convolution to x, with a kernel [h, w, c_out, c_in]."""
        n, height, width, _ = tf.unstack(tf.shape(x))
        shape = [n, height * self.strides[0], width * self.strides[1], kernel.shape[2]]
        return tf.nn.conv2d_transpose(x, kernel, shape, self.strides)

    def mixed(self, bank: tf.Tensor, mixing: tf.Tensor) -> tf.Tensor:
        """Mixes filters, [h, w, B, c_in] and [B, p] to [h, w, p, c_in]."""
        return tf.matmul(mixing[None, None], bank, transpose_a=True)


def mixing_activations_is_cheaper(kernel_shape: tuple, bank_filters: int, x_shape: tuple, y_shape: tuple) -> bool:
    """Returns whether one image takes fewer multiply-adds by mixing activations than by composing [h, w, c_in, p]."""
    height, width, c_in, p = kernel_shape
    inputs, outputs = x_shape[1] * x_shape[2], y_shape[1] * y_shape[2]
    k, positions = height * width * c_in, min(inputs, outputs)
    return positions * k * bank_filters + outputs * bank_filters * p < k * bank_filters * p + positions * k * p


class _SharingFactory(layers.LayerFactory):
    """Makes the layers of one network. filters: The filters of all earlier tasks."""

    conv2d, conv2d_transpose = SharingConv2D, SharingConv2DTranspose

    def __init__(self, prefix: str, filters: Filters, **settings: Any) -> None:
        super().__init__(prefix, **settings)
        self._filters = filters

    def kernel(self, name: str, **site: Any) -> dict[str, Any]:
        recipe = self.recipe(name, **site)
        lenders = recipe.lenders if isinstance(recipe, Piggyback) else ()
        return {"recipe": recipe, "lenders": [self._filters[lender] for lender in lenders]}


def sharing_network(task: Any, prefix: str, filters: Filters) -> keras.Model:
    """Builds one network of a piggyback task without a copy of the filters that it borrows.

    Args:
      task: A task, as `pgtf.load(run_dir)[name]` returns it.
      prefix: The direction of the network.
      filters: The filters of all tasks that it borrows from. This task's filters are added.

    Returns:
      The network with the task's values.
    """
    facts, values = task.facts, dict(task.slice.values)
    shape, method = facts.architecture.of(prefix), facts.method

    def recipe(site: layers.KernelSite) -> Any:
        return recipe_at(facts.architecture, method, site, task.bank)

    make = _SharingFactory(prefix, filters, recipe=recipe, norm=shape.norm, upsampling=shape.upsampling)
    image = keras.Input((*shape.size, shape.inputs))
    network = keras.Model(image, shape(image, make, method.width(shape.width)), name=prefix)
    for layer in network.layers:
        path = f"{prefix}/{layer.name}"
        if isinstance(layer, _Sharing) and layer.unconstrained is not None:
            filters[task.name, path] = layer.unconstrained
            values[f"{path}/unconstrained"] = np.transpose(values[f"{path}/unconstrained"], layer.axes)
    layers.restore(network, values)
    return network
