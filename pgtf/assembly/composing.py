"""Kernels of stored tasks, composed layer by layer without building their networks."""

import collections
import dataclasses
import functools
from collections.abc import Hashable, Iterator
from typing import Any, Callable, Optional

import keras
import numpy as np
import tensorflow as tf

from pgtf.assembly.parameters import PlannedBank, kernel_sites, recipe_at
from pgtf.layers.kernel_site import KernelSite
from pgtf.methods import Method
from pgtf.recipes.base import Recipe
from pgtf.recipes.borrowing import Borrowing
from pgtf.recipes.full import Full
from pgtf.storage.bank import FilterBank
from pgtf.storage.facts import Facts
from pgtf.storage.task_slice import TaskSlice

MOST_BYTES = 512 * 2**20  # Of a U-Net of width 64: the first task's kernels and those of another one.


class TensorCache:
    """Least-recently-used cache of tensors by key, of at most `most_bytes`."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        self.most_bytes, self.bytes = most_bytes, 0
        self._tensors: collections.OrderedDict[Hashable, tf.Tensor] = collections.OrderedDict()

    def __len__(self) -> int:
        return len(self._tensors)

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._tensors)

    def drop(self, key: Hashable) -> None:
        """Removes a tensor."""
        self.bytes -= _bytes(self._tensors.pop(key))

    def load_or_make(self, key: Hashable, make: Callable[[], tf.Tensor]) -> tf.Tensor:
        """Returns the tensor of a key; makes and caches it if it is missing."""
        if key not in self._tensors:
            tensor = make()
            self._tensors[key] = tensor
            self.bytes += _bytes(tensor)
        self._tensors.move_to_end(key)
        tensor = self._tensors[key]
        while self.bytes > self.most_bytes and len(self) > 1:
            self.drop(next(iter(self)))
        return tensor


def _bytes(tensor: tf.Tensor) -> int:
    return int(tensor.shape.num_elements()) * tensor.dtype.size


@dataclasses.dataclass(frozen=True)
class UnreadArray:
    """An array of a slice, read when it is converted to an array or when its tensor is used.

    cache: Cache of its tensor. Default: none.
    """

    task_slice: TaskSlice
    path: str
    cache: Optional[TensorCache] = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.task_slice.shapes[self.path]

    @property
    def key(self) -> Hashable:
        """A key that identifies the array among those of all slices."""
        return self.task_slice.sha256, self.path

    @property
    def is_worth_memory(self) -> bool:
        """Whether its tensor takes no more memory than on disk, or takes long to read, as it is entropy-coded."""
        values = self.task_slice.values
        return self.path not in values.rounded or self.path in values.streams

    @property
    def tensor(self) -> tf.Tensor:
        """The array as a tensor."""
        return self._read() if self.cache is None else self.cache.load_or_make(self.key, self._read)

    def _read(self) -> tf.Tensor:
        with tf.device("CPU:0"):
            return tf.convert_to_tensor(np.asarray(self))

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        del copy
        return np.asarray(self.task_slice.values[self.path], dtype)


@dataclasses.dataclass(frozen=True)
class UnreadTask:
    """A stored task of a bank whose arrays are not read yet. cache: Cache of their tensors. Default: none."""

    task_slice: TaskSlice
    cache: Optional[TensorCache] = None

    @functools.cached_property
    def values(self) -> dict[str, UnreadArray]:
        return {path: UnreadArray(self.task_slice, path, self.cache) for path in self.task_slice.shapes}

    @property
    def shapes(self) -> Any:
        return self.task_slice.shapes

    @property
    def lent(self) -> frozenset[str]:
        return self.task_slice.lent


def unread(bank: FilterBank, cache: Optional[TensorCache] = None) -> PlannedBank:
    """Returns a bank of the same tasks whose arrays are read when they are used. cache: Of tensors. Default: none."""
    return PlannedBank({name: UnreadTask(bank[name], cache) for name in bank.names})


def is_composable(facts: Facts) -> bool:
    """Returns whether a task's network has the layers of a network of free kernels, all of them plain convolutions."""
    return type(facts.method).maker is Method.maker and facts.objective.serves in ("images", "scores")


@dataclasses.dataclass(frozen=True)
class StoredKernel:
    """A kernel of a stored task.

    Attributes:
      path: Its layer's path.
      key: Equal keys mean equal kernels.
      make: Function that returns it, [h, w, c_in, c_out].
      is_worth_memory: Whether to keep it. Rounded kernels are read in milliseconds, and take several times their file.
    """

    path: str
    key: Hashable
    make: Callable[[], tf.Tensor]
    is_worth_memory: bool


def kernels(
    task_slice: TaskSlice, bank: FilterBank, prefix: str, cache: Optional[TensorCache] = None
) -> Iterator[StoredKernel]:
    """Yields the kernels of a task's network.

    They are made by the recipes, in float32: equal to the bit to those of the network that `rebuild` builds.

    Args:
      task_slice: The task's slice, whose facts are of a network that `is_composable`.
      bank: The tasks that it borrows from.
      prefix: Name of the network.
      cache: Cache of the tensors that are read from the bank. Default: none.
    """
    facts, lenders, own = task_slice.facts, unread(bank, cache), UnreadTask(task_slice)
    origin = task_slice.sha256, facts.method, tuple(bank[name].sha256 for name in bank.names)
    for name, shape, settings in kernel_sites(facts.architecture, prefix, facts.method):
        path = f"{prefix}/{name}"
        site = KernelSite(path, keras.initializers.Zeros(), 0, **settings)
        if site.task_specific:
            recipe = functools.partial(facts.method.head, site, lenders)
        else:
            recipe = functools.partial(recipe_at, facts.architecture, facts.method, site, lenders)
        stored = _stored(recipe(), shape, own, path)
        if stored is not None:
            yield StoredKernel(path, stored.key, functools.partial(getattr, stored, "tensor"), stored.is_worth_memory)
        else:
            yield StoredKernel(path, (*origin, path), functools.partial(_made, recipe, shape, own, path), True)


def _stored(recipe: Recipe, shape: tuple[int, ...], own: UnreadTask, path: str) -> Any:
    """Returns the stored array that is the kernel as it is; None if the kernel is made."""
    if isinstance(recipe, Full):
        return own.values[f"{path}/unconstrained"]
    if isinstance(recipe, Borrowing) and not recipe.specs(shape):
        return recipe.only_part
    return None


def _made(make: Callable[[], Recipe], shape: tuple[int, ...], own: UnreadTask, path: str) -> tf.Tensor:
    recipe = make()  # A built one holds variables, so none stays.
    recipe.draws = False
    with tf.device("CPU:0"):  # As `replay.outputs`: GPUs round to TF32.
        recipe.build(shape)
        recipe.restore({name: np.asarray(own.values[f"{path}/{name}"]) for name in recipe.task_variables()})
        return tf.convert_to_tensor(recipe.kernel())
