"""Packed (PackNet, Mallya and Lazebnik, CVPR 2018; CPG, Hung et al., NeurIPS 2019): many tasks in one kernel.

    kernel = earlier × picked + own,    own = 0 but where the task owns a weight

A weight is owned by one task at most, and never changes then. A task learns what no earlier one owns, prunes the
smallest and so releases them to later ones. It stores the values of its weights and a bit for each weight of the
kernel: whether it uses it. Of the used weights those are its own that no earlier task owns.
"""

import math
from collections.abc import Sequence
from typing import Any, Union

import keras
import numpy as np
import tensorflow as tf

from pgtf.recipes.base import Recipe, Spec

# (used, owned) of one task: bool [h, w, c_in, c_out], and the values of the weights that it owns, in order.
Part = tuple[np.ndarray, np.ndarray]


def kept_weights(ratio: float, count: int) -> int:
    """How many of `count` weights stay when a share of them is pruned: count - ⌊ratio·count⌋, 0.29 of 100 being 29."""
    return count - math.floor(ratio * count + 1e-9)


def together(
    parts: Sequence[Part], shape: tuple[int, ...], inputs: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tasks side by side in a kernel.

    Args:
      parts: (used, owned) of each; its kernel may have fewer channels, which are the first ones then.
      shape: The kernel's.
      inputs: Of how many equal parts the kernel's input consists, side by side.

    Returns:
      What they own, float32 and zero elsewhere; where that is, bool; where any of their kernels had a weight, bool.
    """
    values, taken, known = np.zeros(shape, "float32"), np.zeros(shape, bool), np.zeros(shape, bool)
    for used, owned in parts:
        extent = _extent(np.shape(used), shape, inputs)
        own = _bits(used).reshape(extent(taken).shape) & ~extent(taken)
        _check_count(own, owned)
        extent(values)[own] = owned
        extent(taken)[own] = True
        extent(known)[:] = True
    return values, taken, known


def _extent(small, shape, inputs):
    """array of a shape -> the view [h, w, inputs, c_in / inputs, c_out] of what a smaller kernel has of it."""
    (*receptive, c_in, c_out), (*small_receptive, small_in, small_out) = shape, small
    if receptive != small_receptive or small_in > c_in or small_out > c_out or c_in % inputs or small_in % inputs:
        raise ValueError(f"Kernels grow by channels, here in {inputs} inputs. Received: {list(small)} in {list(shape)}")
    grown = (*receptive, inputs, c_in // inputs, c_out)
    return lambda array: array.reshape(grown)[..., : small_in // inputs, :small_out]


@keras.saving.register_keras_serializable(package="pgtf")
class Packed(Recipe):
    """kernel = earlier + own, where nothing that an earlier task owns is learnt.

    Args:
      earlier: (used, owned) of each earlier task, in order; or just how many weights they own, where values come later.
      prune_ratio: The share that the task releases of what it may learn: what `specs` counts with.
      initializer: Of weights that no earlier kernel had; what an earlier task released begins as zero.
    """

    inputs = 1

    def __init__(
        self,
        earlier: Union[Sequence[Part], int] = (),
        *,
        prune_ratio: float = 0.0,
        initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= prune_ratio <= 1:
            raise ValueError(f"The share of weights that is pruned must lie in [0, 1]. Received: {prune_ratio}")
        self.prune_ratio = prune_ratio
        self.initializer = keras.initializers.get(initializer)
        self._parts: Sequence[Part] = () if isinstance(earlier, int) else earlier  # Until there are variables for them.
        self.taken_weights = earlier if isinstance(earlier, int) else sum(len(owned) for _, owned in earlier)

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        free = math.prod(shape) - self.taken_weights
        if free < 0:
            raise ValueError(
                f"Tasks own no more weights than a kernel {list(shape)} has. Received: {self.taken_weights:,}"
            )
        return {"owned": Spec((kept_weights(self.prune_ratio, free),)), "used": Spec(tuple(shape), bits=1)}

    def build(self, shape: tuple[int, ...]) -> None:
        values, taken, known = together(self._parts, shape, self.inputs)
        self._parts = ()
        self.own_values = self.add_weight(name="own", shape=shape, initializer=self.initializer)
        self.own_values.assign(np.where(known, 0, self.own_values.numpy()))
        self.earlier = self._frozen("earlier", values)
        self.taken = self._frozen("taken", taken)
        self.alive = self._frozen("alive", ~taken)  # What of `own_values` is used.
        super().build(shape)

    def _frozen(self, name, value):
        dtype = value.dtype.name
        variable = self.add_weight(name=name, shape=value.shape, dtype=dtype, initializer="zeros", trainable=False)
        variable.assign(value)
        return variable

    def kernel(self) -> tf.Tensor:
        return tf.convert_to_tensor(self.earlier) + self._own_kernel()

    def _own_kernel(self):
        own = tf.convert_to_tensor(self.own_values)
        return tf.where(self.alive, own, tf.zeros([], own.dtype))

    def prune(self, ratio: float) -> None:
        """Releases a share of what the task may learn: the smallest are zero from now on, and exactly the rest stay."""
        alive, values = self.alive.numpy(), self.own_values.numpy()
        sizes = np.where(alive, np.abs(values), -1).ravel()
        kept = min(kept_weights(ratio, sizes.size - self.taken_weights), np.count_nonzero(alive))
        largest = np.argsort(-sizes, kind="stable")[:kept]  # Of equals the first.
        alive = np.zeros(sizes.size, bool)
        alive[largest] = True
        self.alive.assign(alive.reshape(self.kernel_shape))

    def counts(self) -> dict[str, int]:
        """How many weights there are (weights), that this task owns, that it uses of earlier ones, that are free."""
        own, taken, picked = map(np.count_nonzero, (self.alive, self.taken, self._used()))
        weights = math.prod(self.kernel_shape)
        return {"weights": weights, "owned": own, "picked": picked, "free": weights - own - taken}

    def task_variables(self) -> dict[str, tf.Variable]:
        return {"owned": self.own_values, "used": self.alive}

    def state(self) -> dict[str, np.ndarray]:
        alive = self.alive.numpy()
        return {"owned": self.own_values.numpy()[alive], "used": alive | self._used()}

    def _used(self):
        """What it uses of earlier tasks' weights."""
        return self.taken.numpy()

    def restore(self, state: dict[str, Any]) -> None:
        if np.shape(state["used"]) != tuple(self.kernel_shape):
            raise ValueError(
                f"There is a bit for each weight of a kernel {self.kernel_shape}. Received: {np.shape(state['used'])}"
            )
        alive = _bits(state["used"]) & ~self.taken.numpy()
        _check_count(alive, state["owned"])
        values = np.zeros(self.kernel_shape, "float32")
        values[alive] = state["owned"]
        self.alive.assign(alive)
        self.own_values.assign(values)

    def get_config(self) -> dict[str, Any]:
        # A config holds no weights: earlier tasks go by their count and are zero until saved weights are loaded.
        return {
            **super().get_config(),
            "earlier": self.taken_weights,
            "prune_ratio": self.prune_ratio,
            "initializer": keras.initializers.serialize(self.initializer),
        }


def _bits(used: Any) -> np.ndarray:
    used = np.asarray(used)
    if used.dtype != bool:
        raise ValueError(f"Whether a weight is used is a bit. Received: {used.dtype}")
    return used


def _check_count(own: np.ndarray, owned: Any) -> None:
    if np.shape(owned) != (np.count_nonzero(own),):
        raise ValueError(
            "A task has a value for each weight that it uses and no earlier one owns. "
            f"Received: {np.count_nonzero(own):,} such weights, values {np.shape(owned)}"
        )
