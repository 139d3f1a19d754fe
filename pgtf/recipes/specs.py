"""Specs: the arrays that a task stores for a kernel, by recipe, as pure functions of shapes.

Each function takes a kernel's shape [height, width, c_in, c_out] and the arguments of its recipe, ignores those that
do not change what is stored, and returns {name: Spec}. A bank is given by its shape or by its filters.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Spec:
    """An array that a task stores for a kernel.

    Args:
      shape: Shape of the array.
      bits: Bits of a value on disk. Default: 32.
      lent: Whether the array enters the bank, filters along the last axis, for later tasks to mix. Default: False.
      precision: Precision in which it is stored (`recipes.precisions`). Default: that of the run.
    """

    shape: Shape
    bits: int = 32
    lent: bool = False
    precision: str = ""

    @property
    def values(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes on disk, rounded up to whole bytes."""
        return math.ceil(self.values * self.bits / 8)


def with_precision(specs: dict[str, Spec], precision: str) -> dict[str, Spec]:
    """Returns specs with this precision for arrays without another one."""
    return {name: dataclasses.replace(spec, precision=spec.precision or precision) for name, spec in specs.items()}


def full(shape: Shape, *_: Any, lent: bool = True) -> dict[str, Spec]:
    """Returns the specs of `Full`."""
    return {"unconstrained": Spec(tuple(shape), lent=lent)}


def piggyback(shape: Shape, bank: Any, ratio: float = 0.25, *, free_up_to: int = 0, **_: Any) -> dict[str, Spec]:
    """Returns the specs of `Piggyback`."""
    *receptive, c_out = shape
    u = c_out if math.prod(shape) <= free_up_to else unconstrained_filters(ratio, c_out)
    specs = {"unconstrained": Spec((*receptive, u), lent=True), "mixing": Spec((bank_shape(bank)[-1], c_out - u))}
    return {name: spec for name, spec in specs.items() if spec.shape[-1]}


def partly_free(shape: Shape, bank: Any, ratio: float) -> dict[str, Spec]:
    """Returns the specs of `PartlyFree`."""
    bank_shape(bank)
    height, width, c_in, c_out = shape
    free = free_inputs(ratio, c_in)
    return {"free": Spec((height, width, free, c_out))} if free else {}


def delta(shape: Shape, bank: Any, bits: float = 2) -> dict[str, Spec]:
    """Returns the specs of `Delta`."""
    bank_shape(bank)
    return {"difference": Spec(tuple(shape), precision=f"delta{bits:g}")}


def mask(shape: Shape, bank: Any, *, ternary: bool = False, **_: Any) -> dict[str, Spec]:
    """Returns the specs of `Mask`."""
    bank_shape(bank)
    return {"mask": Spec(tuple(shape), bits=1 + ternary)}


def modulated(shape: Shape, bank: Any) -> dict[str, Spec]:
    """Returns the specs of `Modulated`."""
    bank_shape(bank)
    return {"gamma": Spec(tuple(shape[2:])), "beta": Spec(tuple(shape[2:]))}


def low_rank(
    shape: Shape, bank: Any, rank: int = 4, *, products: Sequence[str] = ("scale", "shift"), **_: Any
) -> dict[str, Spec]:
    """Returns the specs of `LowRank`. products: Names of the low-rank products. Raises ValueError if none fits."""
    bank_shape(bank)
    rows, c_out = math.prod(shape[:3]), shape[-1]
    most = min(rows, c_out)
    if not 1 <= rank <= most:
        raise ValueError(
            f"`rank` must lie in [1, {most}] for a kernel {tuple(shape)}, which R flattens to {rows} by {c_out}. "
            f"Received: {rank}"
        )
    left, right = Spec((rows, rank)), Spec((rank, c_out))
    return {f"{name}_{side}": spec for name in products for side, spec in (("left", left), ("right", right))}


def packed(shape: Shape, earlier: Any = (), *, prune_ratio: float = 0.0, **_: Any) -> dict[str, Spec]:
    """Returns the specs of `Packed`, `Expanded`, `Picked`. Raises ValueError if tasks own more than the kernel has."""
    taken = taken_weights(earlier)
    free = math.prod(shape) - taken
    if free < 0:
        raise ValueError(f"Tasks cannot own more weights than a kernel {list(shape)} has. Received: {taken:,}")
    return {"owned": Spec((kept_weights(prune_ratio, free),)), "used": Spec(tuple(shape), bits=1)}


def unconstrained_filters(ratio: float, c_out: int) -> int:
    """Returns λ·c_out, rounded to the nearest integer, halves up. All code that needs the number calls this."""
    return math.floor(ratio * c_out + 0.5)


def free_inputs(ratio: float, c_in: int) -> int:
    """Returns ⌊λ·c_in⌋, robust to binary fractions: 0.29 of 100 is 29."""
    return math.floor(ratio * c_in + 1e-9)


def kept_weights(ratio: float, count: int) -> int:
    """Returns how many of `count` weights remain after pruning: count - ⌊ratio·count⌋, where 0.29 of 100 is 29."""
    return count - math.floor(ratio * count + 1e-9)


def taken_weights(earlier: Union[Sequence[tuple[Any, Any]], int]) -> int:
    """Returns the number of weights that earlier tasks own. earlier: As for `Packed`."""
    return earlier if isinstance(earlier, int) else sum(len(owned) for _, owned in earlier)


def bank_shape(bank: Any) -> Shape:
    """Returns the shape of a bank. Raises ValueError unless it is [height, width, c_in, filters >= 1]."""
    shape = tuple(bank if is_shape(bank) else np.shape(bank))
    if len(shape) != 4 or shape[-1] == 0:
        raise ValueError(f"A bank must be [height, width, c_in, filters >= 1]. Received: {shape}")
    return shape


def is_shape(bank: Any) -> bool:
    """Returns whether a bank is given by its shape [h, w, c_in, B] only."""
    return isinstance(bank, (tuple, list)) and len(bank) == 4 and all(isinstance(n, int) for n in bank)
