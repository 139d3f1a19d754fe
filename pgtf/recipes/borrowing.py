"""Base classes of recipes that make a kernel from filters of earlier tasks."""

from typing import Any, Callable, Optional

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pgtf.recipes.base import Recipe
from pgtf.recipes.specs import bank_shape, is_shape


class Borrowing(Recipe):
    """A kernel made from a bank, which is copied into a variable that is never trained.

    Args:
      bank: Array [h, w, c_in, B], filters of earlier tasks side by side; or its shape, if the values are loaded later.
        The variable of a task that is learned at the same time is not copied, and is trained.

    Attributes:
      lenders: ((task, layer path), …) of the bank's parts, if the bank has them.
    """

    def __init__(self, bank: npt.ArrayLike, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bank_shape = bank_shape(bank)
        self._given_bank = None if is_shape(bank) else bank  # Until `build` creates its variable.
        self.lenders = tuple((task, path) for task, path, _ in getattr(bank, "parts", ()))
        self._read: Optional[Callable[[], tf.Tensor]] = None  # Set by `prepare_for_training`.

    @property
    def bank_filters(self) -> int:
        """Number of filters in the bank, B."""
        return self.bank_shape[-1]

    @property
    def only_part(self) -> Any:
        """The filters of the bank's only part; None if it has several, or once the recipe is built."""
        parts: Any = getattr(self._given_bank, "parts", ())
        return parts[0][2] if len(parts) == 1 else None

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
        """Copies the bank into a variable, unless it is a variable already."""
        shared = getattr(self._given_bank, "variable", None)
        if shared is not None:
            self.bank = shared
            return
        self.bank = self.add_weight(name="bank", shape=self.bank_shape, initializer="zeros", trainable=False)
        if self._given_bank is not None:
            self.bank.assign(np.asarray(self._given_bank, "float32"))

    def prepare_for_training(self) -> None:
        # Casting a bank can take longer than a convolution with it, so the cast is cached. `_read` is a method because
        # Keras would track a variable.
        if self.compute_dtype != self.dtype and not self.bank.trainable:
            self._read = tf.Variable(tf.cast(self.bank, self.compute_dtype), trainable=False).value

    @property
    def frozen(self) -> tf.Tensor:
        """The bank, in the compute dtype."""
        bank = tf.convert_to_tensor(self.bank)  # If unused, the graph drops this operation.
        return self._read() if self._read and bank.dtype == self.compute_dtype else bank

    def get_config(self) -> dict[str, Any]:
        # A config holds no weights: it has the bank's shape, and the bank is zero until saved weights are loaded.
        return {**super().get_config(), "bank": list(self.bank_shape)}


class Adapting(Borrowing):
    """A kernel adapted from one earlier kernel, its bank [h, w, c_in, c_out] (the papers' backbone)."""

    def build(self, shape: tuple[int, ...]) -> None:
        if tuple(shape) != self.bank_shape:
            raise ValueError(
                f"The bank of an adapted kernel must have the kernel's shape, {tuple(shape)}. "
                f"Received: a bank {self.bank_shape}"
            )
        super().build(shape)
