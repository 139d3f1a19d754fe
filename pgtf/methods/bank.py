"""Interface of the bank for methods: the arrays that earlier tasks store, and those that they lend."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np


@dataclasses.dataclass(frozen=True)
class LentFilters:
    """The filters of earlier tasks that one kernel borrows, side by side; converts to an array [h, w, c_in, B].

    Args:
      parts: ((task, layer path, filters [h, w, c_in, b]), …)
    """

    parts: tuple[tuple[str, str, np.ndarray], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """[h, w, c_in, B], computed without copying filters."""
        if not self.parts:
            raise ValueError("A kernel that borrows needs filters of at least one task. Received: no filters")
        return (*self.parts[0][2].shape[:-1], sum(filters.shape[-1] for _, _, filters in self.parts))

    def __array__(self, dtype: Any = None) -> np.ndarray:
        return np.concatenate([filters for _, _, filters in self.parts], axis=-1, dtype=dtype)

    @property
    def variable(self) -> Any:
        """The lender's variable if the lender is trained at the same time, or its tensor if it has one; else None."""
        first = self.parts[0][2] if len(self.parts) == 1 else None
        return first if hasattr(first, "assign") else getattr(first, "tensor", None)

    def copying(self, task: str, path: str) -> np.ndarray:
        """Returns the mixing [B, b] that copies the filters of one part."""
        before = 0
        for owner, place, filters in self.parts:
            if (owner, place) == (task, path):
                return np.eye(self.shape[-1], filters.shape[-1], -before, dtype="float32")
            before += filters.shape[-1]
        raise ValueError(
            f"The filters to start from must be among the borrowed ones. Received: {path} of {task!r}, which is not"
        )


class BankTask(Protocol):
    """The values of one task of a bank.

    Arrays if the task is stored, variables if it is trained at the same time, placeholders of the same shape if it is
    only planned.
    """

    @property
    def values(self) -> Mapping[str, Any]:
        """{path: array} of all arrays that the task stores."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """{path: shape} of these arrays, in the order of its networks' layers. Reads no array."""

    @property
    def lent(self) -> Collection[str]:
        """The paths of the filters that later tasks may use."""


class Bank:
    """The tasks that a new one borrows from, in order, by name.

    A subclass defines `__getitem__` and `only`, and `network` if its tasks are learned.
    """

    names: Sequence[str]

    def __getitem__(self, name: str) -> BankTask:
        raise NotImplementedError

    def only(self, names: Sequence[str]) -> "Bank":
        """Returns the bank of just these tasks."""
        raise NotImplementedError

    def network(self, name: str, prefix: str) -> Any:
        """Returns one of a task's networks as it was learned; None if the task is only planned."""
        raise NotImplementedError

    def lent(self, *paths: str) -> LentFilters:
        """Returns the filters that the tasks lend to layers at these paths, path by path."""
        return LentFilters(
            tuple(
                (name, path, self[name].values[key])
                for path in paths
                for name in self.names
                for key in sorted(key for key in self[name].lent if key.rsplit("/", 1)[0] == path)
            )
        )
