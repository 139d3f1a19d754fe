"""Pixels: the channels, the type and the range of the values of a task's inputs or targets.

Files have values of any type. Inside pgtf an image is uint8 RGB [h, w, 3], or float32 [h, w, c] in [-1, 1].
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from pgtf.foundation import settings
from pgtf.foundation.settings import refuse

MOST_CHANNELS = 512
MEASURED = "measured"
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

    def of_array(self, array: np.ndarray) -> np.ndarray:
        """Converts an array of an image to pgtf's image; see `scaled`. RGB takes also gray, RGBA and uint16.

        Args:
          array: [h, w, channels] of this type, or [h, w] if there is one channel.
        """
        from pgtf.data.rgb_images import of_array  # Pillow is not imported before an image is.

        if self.is_rgb:
            return of_array(array)
        array = np.asarray(array)
        if array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3 or array.shape[-1] != self.channels or array.dtype != self.dtype or not array.size:
            raise ValueError(
                f"An image of this task must be {self.dtype} [h, w, {self.channels}]. "
                f"Received: {array.dtype} {list(array.shape)}"
            )
        if not np.isfinite(array).all():
            raise ValueError("An image must have finite values. Received: NaN or infinity")
        return self.scaled(array)

    def of_picture(self, picture: np.ndarray) -> np.ndarray:
        """Converts a picture, uint8 RGB [h, w, 3], to an image of this type; one channel is the mean of its colours."""
        if self.is_rgb:
            return picture
        levels = picture.astype("float64") / 127.5 - 1
        return self.unscaled(levels.mean(axis=-1, keepdims=True) if self.channels == 1 else levels)

    def unscaled(self, image: np.ndarray) -> np.ndarray:
        """Converts an image in [-1, 1] to the files' type, rounded if it is an integer."""
        if self.is_rgb:
            return to_picture(image)
        span = (self.high - self.low) / 2
        values = (np.clip(image, -1, 1).astype("float64") + 1) * span + self.low
        if self.dtype == "float32":
            return values.astype("float32")
        return np.clip(np.rint(values), *TYPES[self.dtype]).astype(self.dtype)

    def __str__(self) -> str:
        count = "1 channel" if self.channels == 1 else f"{self.channels} channels"
        return f"{count}, {self.dtype}, {self.low:g} to {self.high:g}"


RGB = Pixels()


@dataclasses.dataclass(frozen=True)
class RequestedPixels:
    """The channels and value range that the settings request. Those that are not set are read from the files.

    Args:
      channels: Number of channels. Default: those of the files; RGB for 8-bit pictures.
      range: "LOW:HIGH", the values that become -1 and 1; or "measured", those of the training images. Default: the
        whole range of an integer type, and measured for floats.
    """

    channels: int = 0
    range: str = ""

    @property
    def limits(self) -> tuple[float, float] | None:
        """(low, high) of a range in numbers, else None. Raises ValueError for a malformed text."""
        if self.range in ("", MEASURED):
            return None
        low, _, high = self.range.partition(":")
        try:
            found = float(low), float(high)
        except ValueError:
            found = math.nan, math.nan
        if not (math.isfinite(found[0]) and math.isfinite(found[1]) and found[0] < found[1]):
            raise ValueError(f"A range must be LOW:HIGH, two numbers, or {MEASURED}. Received: {self.range!r}")
        return found

    def check(self, side: str) -> None:
        """Raises ValueError if a setting of a side, "input" or "output", is malformed."""
        if self.channels > MOST_CHANNELS:
            refuse(f"{side}_channels", f"at most {MOST_CHANNELS}", self.channels)
        try:
            self.limits  # noqa: B018  (rejects malformed text)
        except ValueError:
            refuse(f"{side}_range", f"LOW:HIGH, two numbers, or {MEASURED}", self.range)


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
