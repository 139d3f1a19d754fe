"""Quantization of stored kernels to fewer bits.

    float16: each value.    int8: value = code × scale, codes from -127 to 127, one scale for each filter
    int4, int3, int2, delta4, …: streams of `recipes.low_bit_bytes`

A filter is one index of the last axis. Vectors (biases, norms) are small and stay float32, unless float16 is asked for.
"""

import math
from typing import Optional

import numpy as np

from pgtf.recipes import low_bit, low_bit_bytes
from pgtf.recipes.precisions import BITS, FLOATS, LOW_BITS

LARGEST_CODE = 127


def is_allowed(shape: tuple[int, ...], precision: str) -> bool:
    """Returns whether an array can be stored in a precision: a vector has no filters to scale."""
    return precision in BITS and (len(shape) > 1 or precision in FLOATS)


def precision_of(shape: tuple[int, ...], bits: int, precision: str, own: str = "") -> str:
    """Returns the precision in which an array is stored. Masks are not rounded: they have few bits already.

    Args:
      shape, bits: The array's, before it is rounded.
      precision: Precision of kernels in its slice.
      own: Precision of this array. Default: that of the slice for kernels, float32 for vectors.
    """
    return "float32" if bits != 32 or 0 in shape else own or (precision if len(shape) > 1 else "float32")


def stored_bytes(shape: tuple[int, ...], bits: int, precision: str, own: str = "") -> int:
    """Returns the bytes that an array takes on disk, at most where it is entropy-coded.

    Arguments: as for `precision_of`.
    """
    precision = precision_of(shape, bits, precision, own)
    if precision == "float32":
        return math.ceil(math.prod(shape) * bits / 8)
    if precision in LOW_BITS:
        (code_bits, group), matrix = LOW_BITS[precision], _matrix(shape, precision)
        return low_bit_bytes.most_bytes(matrix, math.ceil(matrix[0] / (group or matrix[0])), code_bits)
    scales = 4 * shape[-1] if precision == "int8" else 0
    return math.prod(shape) * BITS[precision] // 8 + scales


def rounded(value: np.ndarray, precision: str) -> tuple[np.ndarray, Optional[np.ndarray]]:
    """Quantizes an array.

    Args:
      value: float32 [..., filters].
      precision: "float16" or "int8".

    Returns:
      (codes, scales): float16 codes and None, or int8 codes and float32 scales [filters].
    """
    if precision == "float16":
        with np.errstate(over="ignore"):
            codes, scales = value.astype("float16"), None
        whole = np.isfinite(codes).all()
    else:
        largest = np.abs(value).max(axis=tuple(range(value.ndim - 1)), initial=0)
        scales = (largest / LARGEST_CODE).astype("float32")
        with np.errstate(invalid="ignore"):
            codes = np.rint(value / np.where(scales > 0, scales, 1))  # The scale of an all-zero filter is 0.
        codes, whole = codes.clip(-LARGEST_CODE, LARGEST_CODE), np.isfinite(codes).all()
        codes = codes.astype("int8") if whole else codes
    if not whole:
        raise ValueError(
            f"Values that are stored as {precision} must be in its range. Received: up to {np.abs(value).max()}"
        )
    return codes, scales


def restored(codes: np.ndarray, scales: Optional[np.ndarray]) -> np.ndarray:
    """Returns the float32 array of the codes and scales that `rounded` returned."""
    values = codes.astype("float32")
    return values if scales is None else values * scales


def encoded(value: np.ndarray, precision: str) -> np.ndarray:
    """Returns the stream, uint8, of a float32 array [..., filters] in a precision of LOW_BITS."""
    bits, group = LOW_BITS[precision]
    matrix = value.reshape([-1, value.shape[-1]])
    matrix = matrix.T if _turned(value.shape, precision) else matrix
    return np.frombuffer(low_bit_bytes.encode(*low_bit.quantize(matrix, bits, group), bits), "uint8")


def decoded(stream: np.ndarray, shape: tuple[int, ...], precision: str) -> np.ndarray:
    """Decodes a stream of `encoded` to float32. Raises ValueError if the shape or the precision differs."""
    codes, scales, bits = low_bit_bytes.decode(stream.tobytes())
    if codes.shape != _matrix(shape, precision) or bits != LOW_BITS[precision][0]:
        raise ValueError(
            f"A stream of {precision} must hold an array of shape {list(shape)}. "
            f"Received: a matrix of {list(codes.shape)} in {bits} bits"
        )
    matrix = low_bit.dequantize(codes, scales, bits)
    return (matrix.T if _turned(shape, precision) else matrix).reshape(shape)


def _matrix(shape: tuple[int, ...], precision: str) -> tuple[int, int]:
    """Returns the shape of the matrix that is quantized, by columns."""
    rows = math.prod(shape[:-1])
    return (shape[-1], rows) if _turned(shape, precision) else (rows, shape[-1])


def _turned(shape: tuple[int, ...], precision: str) -> bool:
    """Returns whether rows share scales instead of filters: where groups of a filter's values would be small."""
    return LOW_BITS[precision][1] is not None and math.prod(shape[:-1]) < shape[-1]
