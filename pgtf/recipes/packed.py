"""Packed (PackNet, Mallya and Lazebnik, CVPR 2018; CPG, Hung et al., NeurIPS 2019): many tasks in one kernel.

    kernel = earlier × picked + own,    own = 0 except where the task owns a weight

A weight is owned by at most one task, and then never changes. A task trains the weights that no earlier task owns,
prunes the smallest and so releases them to later tasks. It stores the values of its weights, and one bit for each
weight of the kernel: whether the task uses it. It owns the used weights that no earlier task owns.
"""

import math
from collections.abc import Sequence
from typing import Any, Union

import keras
import numpy as np
import tensorflow as tf

from pgtf.recipes.base import Recipe
from pgtf.recipes.specs import Spec, kept_weights, packed, taken_weights

# (used, owned) of one task: bool [h, w, c_in, c_out], and the values of the weights that it owns, in C order.
Part = tuple[np.ndarray, np.ndarray]


def together(
    parts: Sequence[Part], shape: tuple[int, ...], inputs: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Combines the weights of several tasks in one kernel.

    Args:
      parts: (used, owned) of each task. Its kernel may have fewer channels: the first ones of each input.
      shape: Shape of the kernel.
      inputs: Number of equal parts, side by side, that the kernel's input consists of. Default: 1.

    Returns:
      (values, taken, known), arrays of the kernel's shape: the owned weights, float32, 0 elsewhere; where a weight is
      owned, bool; where any task's kernel had a weight, bool.
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
    """Returns array -> view [h, w, inputs, c_in / inputs, c_out] of the part of it that a smaller kernel covers."""
    (*receptive, c_in, c_out), (*small_receptive, small_in, small_out) = shape, small
    if receptive != small_receptive or small_in > c_in or small_out > c_out or c_in % inputs or small_in % inputs:
        raise ValueError(
            f"A kernel can grow only in channels, here equally in each of {inputs} inputs. "
            f"Received: {list(small)} to {list(shape)}"
        )
    grown = (*receptive, inputs, c_in // inputs, c_out)
    return lambda array: array.reshape(grown)[..., : small_in // inputs, :small_out]


@keras.saving.register_keras_serializable(package="pgtf")
class Packed(Recipe):
    """kernel = earlier + own. The weights that earlier tasks own are not trained.

    Args:
      earlier: (used, owned) of each earlier task, in order; or the number of weights they own, if values come later.
      prune_ratio: Fraction of its trainable weights that the task will release; used by `specs`. Default: 0.
      initializer: Initializer of weights that no earlier kernel had. Weights that were released start at zero.
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
            raise ValueError(f"`prune_ratio` must lie in [0, 1]. Received: {prune_ratio}")
        self.prune_ratio = prune_ratio
        self.initializer = keras.initializers.get(initializer)
        self._parts: Sequence[Part] = () if isinstance(earlier, int) else earlier  # Until `build` creates variables.
        self.taken_weights = taken_weights(earlier)

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        return packed(shape, self.taken_weights, prune_ratio=self.prune_ratio)

    def build(self, shape: tuple[int, ...]) -> None:
        values, taken, known = together(self._parts, shape, self.inputs)
        self._parts = ()
        self.own_values = self.add_weight(name="own", shape=shape, initializer=self.initializer)
        self.own_values.assign(np.where(known, 0, self.own_values.numpy()))
        self.earlier = self._frozen("earlier", values)
        self.taken = self._frozen("taken", taken)
        self.alive = self._frozen("alive", ~taken)  # Which of `own_values` are used.
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

    def take(self, kernel: np.ndarray) -> None:
        """Sets the weights that no earlier task owns to those of a kernel of this shape."""
        self.own_values.assign(np.where(self.taken.numpy(), 0, kernel))

    def prune(self, ratio: float) -> None:
        """Prunes: sets the fraction `ratio` of the trainable weights, the smallest ones, to zero and releases them.

        Exactly `kept_weights` of them remain.
        """
        alive, values = self.alive.numpy(), self.own_values.numpy()
        sizes = np.where(alive, np.abs(values), -1).ravel()
        kept = min(kept_weights(ratio, sizes.size - self.taken_weights), np.count_nonzero(alive))
        largest = np.argsort(-sizes, kind="stable")[:kept]  # Ties: the first.
        alive = np.zeros(sizes.size, bool)
        alive[largest] = True
        self.alive.assign(alive.reshape(self.kernel_shape))

    def counts(self) -> dict[str, int]:
        """Returns the number of weights: all, owned by this task, picked from earlier tasks, and free."""
        own, taken, picked = map(np.count_nonzero, (self.alive, self.taken, self._used()))
        weights = math.prod(self.kernel_shape)
        return {"weights": weights, "owned": own, "picked": picked, "free": weights - own - taken}

    def task_variables(self) -> dict[str, tf.Variable]:
        return {"owned": self.own_values, "used": self.alive}

    def state(self) -> dict[str, np.ndarray]:
        alive = self.alive.numpy()
        return {"owned": self.own_values.numpy()[alive], "used": alive | self._used()}

    def _used(self):
        """Returns which weights of earlier tasks it uses, bool."""
        return self.taken.numpy()

    def restore(self, state: dict[str, Any]) -> None:
        if np.shape(state["used"]) != tuple(self.kernel_shape):
            raise ValueError(
                f"`used` must have the kernel's shape, {self.kernel_shape}. Received: {np.shape(state['used'])}"
            )
        alive = _bits(state["used"]) & ~self.taken.numpy()
        _check_count(alive, state["owned"])
        values = np.zeros(self.kernel_shape, "float32")
        values[alive] = state["owned"]
        self.alive.assign(alive)
        self.own_values.assign(values)

    def get_config(self) -> dict[str, Any]:
        # A config holds no weights: it has the number of earlier tasks' weights, which are zero until they are loaded.
        return {
            **super().get_config(),
            "earlier": self.taken_weights,
            "prune_ratio": self.prune_ratio,
            "initializer": keras.initializers.serialize(self.initializer),
        }


def _bits(used: Any) -> np.ndarray:
    used = np.asarray(used)
    if used.dtype != bool:
        raise ValueError(f"`used` must be bool. Received: {used.dtype}")
    return used


def _check_count(own: np.ndarray, owned: Any) -> None:
    if np.shape(owned) != (np.count_nonzero(own),):
        raise ValueError(
            "A task must store one value for each weight that it uses and no earlier task owns. "
            f"Received: {np.count_nonzero(own):,} such weights, values {np.shape(owned)}"
        )
