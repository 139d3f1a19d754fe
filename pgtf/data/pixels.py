"""Pixels: the channels, the type and the range of the values of a task's inputs or targets.

Files have values of a type of their own. Inside pgtf an image is uint8 RGB [h, w, 3], or float32 [h, w, c] in [-1, 1].
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from pgtf.foundation import settings

MOST_CHANNELS = 512
# {type: (least value, greatest value)} that integers have; floats have the range that was measured or asked for.
TYPES: dict[str, tuple[float, float]] = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0), "float32": (0.0, 1.0)}


@dataclasses.dataclass(frozen=True)
class Pixels:
    """The values of a pixel, and how they map to [-1, 1]. Values outside of the range are clipped.

    Args:
      channels: Number of channels. Default: 3.
      dtype: "uint8", "uint16" or "float32". Default: "uint8".
      low, high: The values that become -1 and 1. Default: those of uint8.
    """

    channels: int = 3
    dtype: str = "uint8"
    low: float = 0.0
    high: float = 255.0

    def __post_init__(self) -> None:
        settings.check_types(self)
        if not 0 < self.channels <= MOST_CHANNELS:
            raise ValueError(f"`channels` must be 1 to {MOST_CHANNELS}. Received: {self.channels}")
        if self.dtype not in TYPES:
            raise ValueError(f"`dtype` must be one of {', '.join(TYPES)}. Received: {self.dtype!r}")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"`low` must be less than `high`, both finite. Received: {self.low}, {self.high}")

    @classmethod
    def of_type(cls, channels: int, dtype: str) -> Pixels:
        """Returns the pixels of a type with its whole range."""
        return cls(channels, dtype, *TYPES[dtype])

    @property
    def is_rgb(self) -> bool:
        """Whether images stay uint8 RGB inside pgtf."""
        return self == RGB

    def scaled(self, image: np.ndarray) -> np.ndarray:
        """Converts an image [h, w, c] of a file's type to pgtf's: uint8 RGB, or float32 in [-1, 1]."""
        if self.is_rgb:
            return image
        span = (self.high - self.low) / 2
        return np.clip((image.astype("float64") - self.low) / span - 1, -1, 1).astype("float32")

    def unscaled(self, image: np.ndarray) -> np.ndarray:
        """Converts an image in [-1, 1] to the files' type, rounded if it is an integer."""
        span = (self.high - self.low) / 2
        values = (np.clip(image, -1, 1).astype("float64") + 1) * span + self.low
        if self.dtype == "float32":
            return values.astype("float32")
        return np.clip(np.rint(values), *TYPES[self.dtype]).astype(self.dtype)

    def __str__(self) -> str:
        count = "1 channel" if self.channels == 1 else f"{self.channels} channels"
        return f"{count}, {self.dtype}, {self.low:g} to {self.high:g}"


RGB = Pixels()


def to_picture(image: np.ndarray) -> np.ndarray:
    """Returns pgtf's image, or images, as uint8 RGB [..., h, w, 3], to look at and to measure features of.

    One channel is gray. Of two, the first is red and the second green and blue. Of more, the first three are shown.
    """
    image = np.asarray(image)
    channels = image.shape[-1]
    if channels != 3:
        image = image[..., [0, min(channels - 1, 1), min(channels - 1, 2)]]
    if image.dtype == np.uint8:
        return image
    return np.clip(np.rint((image.astype("float32") + 1) * 127.5), 0, 255).astype("uint8")


def of_json(plain: dict[str, Any]) -> Pixels:
    """Returns the pixels of {field: value}. Raises TypeError or ValueError for other data."""
    return Pixels(**plain)
