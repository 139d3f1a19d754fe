"""A task's slice: written once, and read only as far as needed."""

import dataclasses
import functools
import json
import math
import os
from collections.abc import Mapping
from typing import Any, Callable

import numpy as np
from safetensors.numpy import save

from pgtf.foundation import files, settings, task_names
from pgtf.foundation.errors import BankError
from pgtf.recipes.precisions import BITS, LOW_BITS
from pgtf.storage import quantization, run_paths
from pgtf.storage.facts import Facts, of_format_1
from pgtf.storage.values import HeldValues, StoredValues, Values

FORMAT = 5
WITHOUT_PIXELS = 4  # The format of a slice whose images are RGB.
WITHOUT_STREAMS = 3  # The format of a slice in which nothing is entropy-coded.
DEFAULT_BLOCKS = 9  # What a U-Net's facts say of blocks that it doesn't have.


@dataclasses.dataclass(frozen=True)
class Borrowed:
    """A slice that another one borrows from: its task's name, and the sha256 of its tensors."""

    task: str
    sha256: str

    def __post_init__(self) -> None:
        settings.check_types(self)


@dataclasses.dataclass(frozen=True)
class TaskSlice:
    """Everything that one task stores.

    On disk a slice is a folder with slice.safetensors and slice.json. The JSON is written last and holds the sha256 of
    the tensors and of itself. So a slice exists exactly if its JSON does, and then it is complete.

    Args:
      name: Name of the task.
      values: {path: array}, such as "forward/down1/unconstrained".
      facts: All that is needed to rebuild the networks, and how the task was learned.
      lent: The paths of the filters that later tasks may borrow.
      borrows: The slices that it borrows from, in the order of the bank.
    """

    name: str
    values: Values
    facts: Facts
    lent: frozenset[str] = frozenset()
    borrows: tuple[Borrowed, ...] = ()

    def __post_init__(self) -> None:
        if not task_names.is_name(self.name):
            raise BankError(f"Tasks must have {task_names.RULE}. Received: {self.name!r}")
        if not isinstance(self.values, Values):
            object.__setattr__(self, "values", HeldValues(self.values))

    @property
    def shapes(self) -> Mapping[str, tuple]:
        """{path: shape}, without reading an array."""
        return self.values.shapes

    @property
    def size(self) -> int:
        """Number of stored values."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def stored_bytes(self) -> int:
        """Bytes of the values, without the files' headers."""
        return self.values.stored_bytes

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of the tensors, as they are or will be on disk."""
        return self.values.sha256 if isinstance(self.values, StoredValues) else files.sha256(self._tensors())

    def _tensors(self) -> bytes:
        if isinstance(self.values, StoredValues):
            return self.values.content()
        return save({name: np.asarray(value, order="C") for name, value in self.values.tensors().items()})

    def write(self, folder: str) -> None:
        """Writes the slice into a folder that holds no slice yet."""
        if os.path.exists(os.path.join(folder, run_paths.SLICE)):
            raise BankError(f"A slice must not be overwritten. Received: {folder}, which holds one")
        values = self.values
        tensors = {
            path: {"shape": list(shape), "bits": values.bits[path], "lent": path in self.lent, **self._rounded(path)}
            for path, shape in self.shapes.items()
        }
        description = {
            "format": FORMAT if self.facts.pixels else WITHOUT_PIXELS if values.streams else WITHOUT_STREAMS,
            "name": self.name,
            "sha256": self.sha256,
            "tensors": tensors,
            "borrows": [dataclasses.asdict(borrowed) for borrowed in self.borrows],
            "facts": self.facts.as_json(),
        }
        description["own_sha256"] = _digest(description)
        files.write(os.path.join(folder, run_paths.TENSORS), self._tensors(), read_only=True)
        files.write(os.path.join(folder, run_paths.SLICE), json.dumps(description, indent=1).encode(), read_only=True)

    def _rounded(self, path: str) -> dict[str, Any]:
        precision, size = self.values.rounded.get(path), self.values.streams.get(path)
        return {**({"rounded": precision} if precision else {}), **({"bytes": size} if size else {})}

    def check(self) -> None:
        """Raises BankError if the tensors have changed since they were written."""
        for path in self.values:
            self.values[path]

    def check_extent(self) -> None:
        """Raises BankError if the facts describe a larger network than the tensors can belong to.

        Protects against facts from strangers: building a network of a million blocks would take very long.
        """
        facts, shape = self.facts, self.facts.architecture
        largest = max((side for tensor in self.shapes.values() for side in tensor), default=0)
        wide = max(facts.method.width(shape.width), shape.outputs, shape.inputs) > largest
        if wide or shape.blocks > len(self.shapes) + DEFAULT_BLOCKS:
            raise BankError(
                "The slice's facts do not match its tensors. "
                f"Received: {self.name!r}, {shape} over {len(self.shapes)} tensors of at most {largest} a side"
            )

    @classmethod
    def read(cls, folder: str, unrecorded: Callable[[Facts], tuple[Borrowed, ...]] = lambda facts: ()) -> "TaskSlice":
        """Reads the slice in a folder. Checks its description now, and its tensors when they are used.

        Args:
          folder: Folder of the slice.
          unrecorded: Function of the facts: the slices that it borrows from, which format 1 does not record.

        Returns:
          The slice.
        """
        description = _description(folder)
        try:
            return cls._described(description, folder, unrecorded)
        except BankError:
            raise
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise BankError(
                "A slice's description must have the fields of its format. "
                f"Received: {folder} ({type(error).__name__}: {error})"
            ) from error

    @classmethod
    def _described(cls, description: dict[str, Any], folder: str, unrecorded: Callable) -> "TaskSlice":
        tensors = os.path.join(folder, run_paths.TENSORS)
        if description["format"] == 1:
            shapes = {path: _shape(shape) for path, shape in description["shapes"].items()}
            bits = {path: _bits(description["bits"][path]) for path in shapes}
            lent = frozenset(path for path in shapes if path.endswith("/unconstrained"))
            facts = Facts.from_json(of_format_1(description["facts"]))
            borrows, rounded, streams = unrecorded(facts), {}, {}
        else:
            listed = description["tensors"]
            rounded = {path: _precision(tensor) for path, tensor in listed.items() if "rounded" in tensor}
            shapes = {path: _shape(tensor["shape"]) for path, tensor in listed.items()}
            bits = {
                path: BITS[rounded[path]] if path in rounded else _bits(one["bits"]) for path, one in listed.items()
            }
            streams = {path: _size(listed[path]) for path, precision in rounded.items() if precision in LOW_BITS}
            lent = frozenset(path for path, tensor in listed.items() if tensor["lent"])
            facts = Facts.from_json(description["facts"])
            borrows = tuple(Borrowed(**one) for one in description["borrows"])
        values = StoredValues(tensors, description["sha256"], shapes, bits, rounded, streams)
        return cls(description["name"], values, facts, lent, borrows)


def _shape(plain: Any) -> tuple[int, ...]:
    shape = tuple(plain)
    # Products of a stranger's numbers must not outgrow what Python can divide.
    if not settings.is_of(tuple[int, ...], shape) or min(shape, default=0) < 0 or math.prod(shape) >= 2**63:
        raise ValueError(f"a shape must be whole numbers. Received: {plain!r}")
    return shape


def _bits(plain: Any) -> int:
    if plain not in (1, 8, 16, 32, 64):
        raise ValueError(f"a value must have 1, 8, 16, 32 or 64 bits. Received: {plain!r}")
    return int(plain)


def _size(tensor: dict[str, Any]) -> int:
    if not settings.is_of(int, tensor["bytes"]) or tensor["bytes"] < 1:
        raise ValueError(f"a stream has a number of bytes. Received: {tensor!r}")
    return int(tensor["bytes"])


def _precision(tensor: dict[str, Any]) -> str:
    precision, shape = tensor["rounded"], tensor["shape"]
    allowed = isinstance(precision, str) and precision != "float32" and quantization.is_allowed(shape, precision)
    if not allowed or BITS[precision] != tensor["bits"]:
        raise ValueError(f"a kernel must be rounded to {', '.join(BITS)}, a vector to float16. Received: {tensor!r}")
    return str(precision)


def _description(folder: str) -> dict[str, Any]:
    path = os.path.join(folder, run_paths.SLICE)
    try:
        with open(path, "rb") as file:
            description = json.loads(file.read())
        newer = description["format"] > FORMAT
        whole = not newer and description["own_sha256"] == _digest(description)
    except FileNotFoundError as error:
        raise BankError(f"A slice needs slice.json. Received: none at {path}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BankError(
            f"A slice's description must be the JSON that was written. Received: {path} ({error})"
        ) from error
    if newer:
        raise BankError(
            f"This pgtf reads slices up to format {FORMAT}; a newer pgtf wrote this one. "
            f"Received: format {description['format']} in {path}"
        )
    if not whole:
        raise BankError(f"A slice's description must be as it was written; its sha256 differs. Received: {path}")
    return description


def renamed(content: bytes, name: str) -> bytes:
    """Returns a slice.json under another name; its facts keep the name under which the task was learned."""
    if not task_names.is_name(name):
        raise BankError(f"Tasks must have {task_names.RULE}. Received: {name!r}")
    description = json.loads(content)
    description["facts"].setdefault("learnt_as", description["name"])
    description["name"] = name
    description["own_sha256"] = _digest(description)
    return json.dumps(description, indent=1).encode()


def _digest(description: dict[str, Any]) -> str:
    rest = {key: value for key, value in description.items() if key != "own_sha256"}
    return files.sha256(json.dumps(rest, sort_keys=True).encode())
