"""Full: a separate network of free kernels for each task (eq. 2), at full width, half of it or a quarter of it."""

import dataclasses

from pgtf.methods.base import Method


@dataclasses.dataclass(frozen=True)
class Full(Method):
    """Each task trains and stores a whole network; nothing is shared."""


@dataclasses.dataclass(frozen=True)
class Half(Full):
    """Full, with half the filters in every layer."""

    compressible = False

    def width(self, width: int) -> int:
        return max(1, round(width / 2))


@dataclasses.dataclass(frozen=True)
class Quarter(Full):
    """Full, with a quarter of the filters in every layer."""

    compressible = False

    def width(self, width: int) -> int:
        return max(1, round(width / 4))
