"""Quantization to few bits: codes of 2 to 256 levels, with one scale per filter or per group of its values.

    value = scale × (code - (levels - 1) / 2),    code = 0 … levels - 1

| bits | 1 | 1.58 | 2 | 3 | 4 | 8 |
|---|---|---|---|---|---|---|
| levels | 2 (signs) | 3 (-1, 0, 1) | 4 | 8 | 16 | 256 |

A filter is one index of the last axis. A few candidate scales are tried; the best one's codes get the least-squares
scale. A scale is a bfloat16 number, and at most so large that the largest value takes the outermost level. So scale ×
level is exact in float32, and values that are their codes keep their bits when they are quantized again.

Squared error on normal values, in filters of 1,152 values, as a fraction of their variance; the second row scales the
largest value to the outermost level instead:

| bits | 1 | 1.58 | 2 | 3 | 4 | 8 |
|---|---|---|---|---|---|---|
| least squares | 0.363 | 0.190 | 0.119 | 0.0376 | 0.0116 | 0.00006 |
| largest value | 7.607 | 0.760 | 0.467 | 0.0824 | 0.0179 | 0.00006 |
"""

import math
from typing import Optional

import numpy as np
import numpy.typing as npt

LEVELS = {1: 2, 1.58: 3, 2: 4, 3: 8, 4: 16, 8: 256}
SMALLEST = np.float32(2.0**-100)  # Smaller scales are 0: their products lose bits.
# The outermost level of each candidate, as a fraction of the largest value.
FRACTIONS = tuple(2 ** (-step / 4) for step in range(18))
BLOCK = 2**14  # Values that are searched at a time.


def levels_of(bits: float) -> int:
    """Returns the number of levels."""
    if bits not in LEVELS:
        raise ValueError(f"bits must be one of {', '.join(map(str, LEVELS))}. Received: {bits}")
    return LEVELS[bits]


def quantize(array: npt.ArrayLike, bits: float, group: Optional[int] = None) -> tuple[np.ndarray, np.ndarray]:
    """Quantizes an array.

    Args:
      array: float32 [..., filters].
      bits: A key of LEVELS.
      group: The most values that share a scale. The values of a filter, in C order, are cut into as few and as equal
        groups as this allows. Default: all values of a filter.

    Returns:
      (codes, scales): uint8 of the array's shape, and float32 [groups, filters] that bfloat16 holds exactly.
    """
    levels, array = levels_of(bits), np.asarray(array, "float32")
    if array.ndim < 2 or not array.size or not np.isfinite(array).all() or (group is not None and group < 1):
        raise ValueError(
            "An array to quantize must be finite, [..., filters] with at least 2 axes, in groups of at least 1 value. "
            f"Received: shape {list(array.shape)}, group {group}, largest value {np.abs(array).max(initial=0)}"
        )
    values = array.reshape([-1, array.shape[-1]])
    ends = group_ends(len(values), math.ceil(len(values) / (group or len(values))))
    scales = _best_scales(values, ends, levels)
    return _codes(values, _spread(scales, ends), levels).astype("uint8").reshape(array.shape), scales


def dequantize(codes: np.ndarray, scales: np.ndarray, bits: float) -> np.ndarray:
    """Returns the float32 values of uint8 codes [..., filters] and float32 scales [groups, filters]."""
    levels = levels_of(bits)
    values = codes.reshape([-1, codes.shape[-1]]).astype("float32") - np.float32((levels - 1) / 2)
    return (values * _spread(scales, group_ends(len(values), len(scales)))).reshape(codes.shape)


def group_ends(values: int, groups: int) -> np.ndarray:
    """Returns the end index of each group when `values` values are split into groups of nearly equal size."""
    return np.arange(1, groups + 1) * values // groups


def as_scales(scales: npt.ArrayLike) -> np.ndarray:
    """Rounds float32 numbers to the nearest bfloat16 numbers, as float32. Tiny ones become 0."""
    bits = np.ascontiguousarray(scales, "float32").view("uint32")
    nearest = ((bits + (0x7FFF + ((bits >> 16) & 1))) & np.uint32(0xFFFF0000)).view("float32")
    return np.where(nearest < SMALLEST, np.float32(0), nearest)


def largest_scale(largest: npt.ArrayLike, levels: int) -> np.ndarray:
    """Returns the largest scale with which a group's largest value still takes the outermost level."""
    return np.asarray(largest, "float32") * np.float32(2 / (levels - 2) * (1 - 2**-8) if levels > 2 else np.inf)


def _best_scales(values, ends, levels):
    """Returns the scales [groups, filters] with the least squared error. Searches as many filters as a cache holds."""
    filters = max(1, BLOCK // len(values))
    blocks = (values[:, start : start + filters] for start in range(0, values.shape[1], filters))
    return np.concatenate([_best_of(np.ascontiguousarray(block.T), ends, levels) for block in blocks], axis=1)


def _best_of(filters, ends, levels):
    """Returns the scales [groups, filters] of filters [filters, values]; each candidate is fitted to its codes."""
    starts = np.concatenate([[0], ends[:-1]])
    largest = np.maximum.reduceat(np.abs(filters), starts, axis=1).T
    most = largest_scale(np.where(largest > 0, largest, 1), levels)
    best, scales = np.zeros(largest.shape), np.zeros(largest.shape, "float32")
    doubles = filters.astype("float64")
    energy = _products(doubles, doubles, starts)
    for fraction in FRACTIONS if levels > 2 else FRACTIONS[:1]:  # Signs are the same at every scale.
        if (best >= energy).all():  # The values are on their levels, as those that were trained so.
            break
        candidate = as_scales(largest * np.float32(2 * fraction / (levels - 1)))
        steps = _codes(filters, _spread(candidate, ends).T, levels).astype("float64") - (levels - 1) / 2
        # |x - s l|² = |x|² - s (2 xᵀl - s lᵀl) is least at s = xᵀl / lᵀl.
        product, norm = _products(doubles, steps, starts), _products(steps, steps, starts)
        fitted = as_scales(np.minimum(product / np.maximum(norm, 0.25), most))
        gain = fitted * (2 * product - fitted * norm)
        better = gain > best
        best, scales = np.where(better, gain, best), np.where(better, fitted, scales)
    return scales


def _products(one, other, starts):
    """Returns the scalar products [groups, filters] of two arrays [filters, values], by groups of values."""
    if len(starts) == 1:
        return np.einsum("fv,fv->f", one, other)[None]
    return np.add.reduceat(one * other, starts, axis=1).T


def _codes(values, scales, levels):
    """Returns the nearest code of each value. A scale is 0 only if all its values are 0."""
    places = values / np.where(scales > 0, scales, np.float32(1))
    places += np.float32(levels / 2)
    return np.clip(np.floor(places, out=places), 0, levels - 1, out=places)


def _spread(scales, ends):
    """Repeats the scales for each value: [groups, filters] to [values, filters], or to [1, filters] of one group."""
    return scales if len(scales) == 1 else np.repeat(scales, np.diff(ends, prepend=0), axis=0)
