"""Values of a slice by path: in memory after learning, or on disk and read on first use."""

import functools
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Optional

import numpy as np
from safetensors import SafetensorError, safe_open

from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.recipes.precisions import BITS, LOW_BITS
from pgtf.storage import quantization

SCALES = ":scales"  # Of PATH, beside it in the file; no layer's name has a colon.


# Kernels may be rounded to float16; vectors (norms, biases) may be squared in float32.
LARGEST_IN_KERNELS, LARGEST_IN_VECTORS = 65504.0, 1.8e19


class Values(Mapping):
    """Arrays by path, such as "forward/down1/unconstrained". Arrays stored in fewer bits are rounded float32.

    Boolean arrays take one bit per value on disk.

    Attributes:
      shapes: {path: shape}.
      bits: {path: bits of a value}.
      rounded: {path: precision} of rounded arrays.
      streams: {path: bytes} of entropy-coded arrays.
    """

    shapes: Mapping[str, tuple[int, ...]]
    bits: Mapping[str, int]
    rounded: Mapping[str, str]
    streams: Mapping[str, int]

    @property
    def stored_bytes(self) -> int:
        """Bytes on disk, without the file's header."""
        scales = sum(4 * self.shapes[path][-1] for path, precision in self.rounded.items() if precision == "int8")
        plain = {path: shape for path, shape in self.shapes.items() if path not in self.streams}
        return _bytes(plain, self.bits) + scales + sum(self.streams.values())

    @property
    def unrounded_bytes(self) -> int:
        """Bytes on disk if nothing were rounded."""
        return _bytes(self.shapes, {**self.bits, **dict.fromkeys(self.rounded, 32)})

    def __getitem__(self, path: str) -> np.ndarray:
        if path not in self.shapes:
            raise KeyError(path)
        value = self._tensor(path)
        if path in self.streams:
            try:
                value = quantization.decoded(value, self.shapes[path], self.rounded[path])
            except ValueError as error:
                raise BankError(
                    f"A slice's low-bit values must be as they were written. Received: {path} ({error})"
                ) from error
        elif path in self.rounded:
            scales = self._tensor(path + SCALES) if self.rounded[path] == "int8" else None
            value = quantization.restored(value, scales)
        elif self.bits[path] == 1:
            value = np.unpackbits(value, count=math.prod(self.shapes[path])).reshape(self.shapes[path]).astype(bool)
        _refuse_overflow(path, value)
        value.setflags(write=False)
        return value

    def tensors(self) -> dict[str, np.ndarray]:
        """Returns all arrays as they are, or will be, on disk."""
        scales = [path + SCALES for path, precision in self.rounded.items() if precision == "int8"]
        return {name: self._tensor(name) for name in (*self.shapes, *scales)}

    def _tensor(self, name: str) -> np.ndarray:
        """Returns an array as it is, or will be, on disk."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


class HeldValues(Values):
    """Values in memory, rounded as they will be stored.

    Args:
      values: {path: array}.
      precision: Precision of stored kernels. "float32" does not round them.
      own: {path: precision} of arrays with another precision. "" or no entry: `precision`.
    """

    def __init__(
        self,
        values: Mapping[str, np.ndarray],
        precision: str = "float32",
        own: Mapping[str, str] = MappingProxyType({}),
    ):
        self.shapes = {path: value.shape for path, value in values.items()}
        whole = {path: 1 if value.dtype == bool else 8 * value.itemsize for path, value in values.items()}
        found = {
            path: quantization.precision_of(shape, whole[path], precision, own.get(path, ""))
            for path, shape in self.shapes.items()
        }
        self.rounded = {path: one for path, one in found.items() if one != "float32"}
        self.bits = {path: BITS[found[path]] if path in self.rounded else whole[path] for path in values}
        self._tensors: dict[str, np.ndarray] = {}
        for path, value in values.items():
            if found[path] in LOW_BITS:
                self._tensors[path] = quantization.encoded(np.asarray(value), found[path])
                continue
            codes, scales = quantization.rounded(value, found[path]) if path in self.rounded else (value, None)
            self._tensors[path] = np.packbits(codes) if whole[path] == 1 else codes
            if scales is not None:
                self._tensors[path + SCALES] = scales
        self.streams = {path: self._tensors[path].nbytes for path, one in found.items() if one in LOW_BITS}

    def _tensor(self, name: str) -> np.ndarray:
        return self._tensors[name]


class StoredValues(Values):
    """Values of a slice.safetensors, read on first use after a check of the file's sha256."""

    def __init__(
        self,
        path: str,
        sha256: str,
        shapes: Mapping[str, tuple],
        bits: Mapping[str, int],
        rounded: Optional[Mapping[str, str]] = None,
        streams: Optional[Mapping[str, int]] = None,
    ):
        self.path, self.sha256, self.shapes, self.bits, self.rounded = path, sha256, shapes, bits, rounded or {}
        self.streams = streams or {}

    def content(self) -> bytes:
        """Returns the content of the file."""
        with open(self._checked_path, "rb") as file:
            return file.read()

    @functools.cached_property
    def _file(self) -> Any:
        try:
            return safe_open(self._checked_path, framework="numpy")
        except SafetensorError as error:
            raise BankError(f"A slice must be a safetensors file. Received: {self.path} ({error})") from error

    @property
    def _checked_path(self) -> str:
        try:
            found = files.sha256_of(self.path)
        except FileNotFoundError as error:
            raise BankError(f"A slice needs slice.safetensors. Received: none at {self.path}") from error
        if found != self.sha256:
            raise BankError(f"A slice must be as it was written; its sha256 differs. Received: {self.path}")
        return self.path

    def _tensor(self, name: str) -> np.ndarray:
        try:
            value = self._file.get_tensor(name)
        except (SafetensorError, TypeError, AttributeError) as error:
            raise self._unlike(name, error) from error
        expected: tuple[tuple[int, ...], int]
        packed = name in self.streams or self.bits.get(name) == 1
        if name in self.streams:
            expected = (self.streams[name],), 8
        elif packed:
            expected = (math.ceil(math.prod(self.shapes[name]) / 8),), 8
        elif name in self.shapes:
            expected = self.shapes[name], self.bits[name]
        else:
            expected = self.shapes[name[: -len(SCALES)]][-1:], 32
        kind = "uint8" if packed else self.rounded.get(name)
        if (value.shape, 8 * value.itemsize) != expected or (kind and value.dtype != kind):
            raise self._unlike(name, f"{value.dtype} {list(value.shape)}")
        return value

    def _unlike(self, name: str, what: Any) -> BankError:
        return BankError(f"A slice holds the tensors that it lists. Received: {name} in {self.path} ({what})")


def _refuse_overflow(path: str, value: np.ndarray) -> None:
    """Raises BankError if values are not finite, or overflow when they are used."""
    if not value.size or value.dtype.kind != "f":
        return
    least, most = float(value.min()), float(value.max())
    largest = LARGEST_IN_KERNELS if value.ndim > 1 else LARGEST_IN_VECTORS
    if not (-largest <= least and most <= largest):  # Of no number, all comparisons are false.
        raise BankError(
            f"A slice's values must be finite and at most {largest:g}. Received: {path}, from {least:g} to {most:g}"
        )


def _bytes(shapes: Mapping[str, tuple[int, ...]], bits: Mapping[str, int]) -> int:
    """Returns the bytes of arrays, each rounded up to whole bytes."""
    return sum(math.ceil(math.prod(shape) * bits[path] / 8) for path, shape in shapes.items())
