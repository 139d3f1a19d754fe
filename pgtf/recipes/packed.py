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


def together(parts: Sequence[Part], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """What some tasks own of a kernel, float32 and zero elsewhere, and where that is, bool; both of the shape."""
    values, taken = np.zeros(shape, "float32"), np.zeros(shape, bool)
    for used, owned in parts:
        own = _of_shape(used, shape) & ~taken
        _check_count(own, owned)
        values[own] = owned
        taken |= own
    return values, taken


@keras.saving.register_keras_serializable(package="pgtf")
class Packed(Recipe):
    """kernel = earlier + own, where nothing that an earlier task owns is learnt.

    Args:
      earlier: (used, owned) of each earlier task, in order; or just how many weights they own, where values come later.
      prune_ratio: The share that the task releases of what it may learn: what `specs` counts with.
      initializer: Of the first task's weights; those of later ones begin as zero, as they were released.
    """

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
        values, taken = together(self._parts, shape)
        self._parts = ()
        first = self.initializer if not self.taken_weights else "zeros"
        self.own_values = self.add_weight(name="own", shape=shape, initializer=first)
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
        own = tf.convert_to_tensor(self.own_values)
        return tf.convert_to_tensor(self.earlier) + tf.where(self.alive, own, tf.zeros([], own.dtype))

    def prune(self, ratio: float) -> None:
        """Releases a share of what the task may learn: the smallest are zero from now on, and exactly the rest stay."""
        alive, values = self.alive.numpy(), self.own_values.numpy()
        sizes = np.where(alive, np.abs(values), -1).ravel()
        kept = min(kept_weights(ratio, sizes.size - self.taken_weights), np.count_nonzero(alive))
        largest = np.argsort(-sizes, kind="stable")[:kept]  # Of equals the first.
        alive = np.zeros(sizes.size, bool)
        alive[largest] = True
        alive = alive.reshape(self.kernel_shape)
        self.alive.assign(alive)
        self.own_values.assign(np.where(alive, values, 0))

    def counts(self) -> dict[str, int]:
        """How many weights there are (weights), that this task owns, that it uses of earlier ones, that are free."""
        own, taken = np.count_nonzero(self.alive), np.count_nonzero(self.taken)
        weights = math.prod(self.kernel_shape)
        picked = np.count_nonzero(self.state()["used"]) - own
        return {"weights": weights, "owned": own, "picked": picked, "free": weights - own - taken}

    def own(self) -> dict[str, tf.Variable]:
        return {"owned": self.own_values, "used": self.alive}

    def state(self) -> dict[str, np.ndarray]:
        alive = self.alive.numpy()
        return {"owned": self.own_values.numpy()[alive], "used": alive | self.taken.numpy()}

    def restore(self, state: dict[str, Any]) -> None:
        alive = _of_shape(state["used"], self.kernel_shape) & ~self.taken.numpy()
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


def _of_shape(used: Any, shape: tuple[int, ...]) -> np.ndarray:
    used = np.asarray(used)
    if used.shape != tuple(shape) or used.dtype != bool:
        raise ValueError(
            f"There is a bit for each weight of a kernel {list(shape)}. Received: {used.dtype} {used.shape}"
        )
    return used


def _check_count(own: np.ndarray, owned: Any) -> None:
    if np.shape(owned) != (np.count_nonzero(own),):
        raise ValueError(
            "A task has a value for each weight that it uses and no earlier one owns. "
            f"Received: {np.count_nonzero(own):,} such weights, values {np.shape(owned)}"
        )
