"""What recipes share that make a kernel from filters of earlier tasks."""

from typing import Any, Callable, Optional

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pgtf.recipes.base import Recipe


class Borrowing(Recipe):
    """A kernel made from a bank, which is copied into a variable that is never trained.

    Args:
      bank: Array [h, w, c_in, B], filters of earlier tasks side by side; or just its shape, where values come later.
        One that is the variable of a task that is learnt at the same time is taken as it is, and trained.

    lenders: ((task, layer path), …) of its parts, where the bank says them.
    """

    def __init__(self, bank: npt.ArrayLike, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bank_shape: tuple[int, ...] = _shape_of(bank)
        if len(self.bank_shape) != 4 or self.bank_filters == 0:
            raise ValueError(f"A bank must be [height, width, c_in, filters >= 1]. Received: {self.bank_shape}")
        self._given_bank = None if _is_shape(bank) else bank  # Until there is a variable for it.
        self.lenders = tuple((task, path) for task, path, _ in getattr(bank, "parts", ()))
        self._read: Optional[Callable[[], tf.Tensor]] = None  # What `ready` holds.

    @property
    def bank_filters(self) -> int:
        """B."""
        return self.bank_shape[-1]

    def build(self, shape: tuple[int, ...]) -> None:
        *receptive, _ = shape
        if tuple(receptive) != self.bank_shape[:3]:
            raise ValueError(
                "The bank's filters must have the kernel's height, width and input channels: "
                f"{tuple(receptive)}. Received: a bank {self.bank_shape}"
            )
        self.add_bank()
        self._given_bank = None
        super().build(shape)

    def add_bank(self) -> None:
        """Copies the bank into a variable, unless it is one."""
        shared = getattr(self._given_bank, "variable", None)
        if shared is not None:
            self.bank = shared
            return
        self.bank = self.add_weight(name="bank", shape=self.bank_shape, initializer="zeros", trainable=False)
        if self._given_bank is not None:
            self.bank.assign(np.asarray(self._given_bank, "float32"))

    def prepare_for_training(self) -> None:
        # Casting a bank takes longer than many a convolution with it. A method, for Keras would track a variable.
        if self.compute_dtype != self.dtype and not self.bank.trainable:
            self._read = tf.Variable(tf.cast(self.bank, self.compute_dtype), trainable=False).value

    @property
    def frozen(self) -> tf.Tensor:
        """The bank, in the type that the recipe computes in here."""
        bank = tf.convert_to_tensor(self.bank)  # A graph leaves out what comes to nothing.
        return self._read() if self._read and bank.dtype == self.compute_dtype else bank

    def get_config(self) -> dict[str, Any]:
        # A config holds no weights: the bank goes by its shape and is zero until saved weights are loaded.
        return {**super().get_config(), "bank": list(self.bank_shape)}


class Adapting(Borrowing):
    """A kernel adapted from one earlier kernel, its bank [h, w, c_in, c_out], the backbone of the papers."""

    def build(self, shape: tuple[int, ...]) -> None:
        if tuple(shape) != self.bank_shape:
            raise ValueError(
                f"A kernel is adapted from one of its own shape: {tuple(shape)}. Received: a bank {self.bank_shape}"
            )
        super().build(shape)


def _is_shape(bank):
    """Whether a bank is just its shape [h, w, c_in, B]."""
    return isinstance(bank, (tuple, list)) and len(bank) == 4 and all(isinstance(n, int) for n in bank)


def _shape_of(bank):
    return tuple(bank) if _is_shape(bank) else np.shape(bank)
