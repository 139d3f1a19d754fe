"""Readers: read the files of a task's inputs, or of its targets, which all have the same channels and type."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import math
import os
import threading
from collections.abc import Sequence

import numpy as np

from pgtf.data import rgb_images
from pgtf.data.decoding import decode
from pgtf.data.pixels import MEASURED, RGB, Pixels, RequestedPixels
from pgtf.data.prefetch import prefetch
from pgtf.foundation.errors import ImageError

WORKERS = min(4, os.cpu_count() or 1)


class ImageReader:
    """Reads a file as pgtf's image: uint8 RGB, or float32 in [-1, 1].

    Args:
      pixels: The files' channels, type and range. Default: RGB, to which all files are converted, also 16-bit ones.
      measured_on: Files whose values the range is measured on, when it is first needed. Default: none.
      strict: Whether files of another type are refused. Default: False.
    """

    def __init__(self, pixels: Pixels = RGB, measured_on: Sequence[str] = (), strict: bool = False):
        self._pixels, self._measured_on, self.strict = pixels, measured_on, strict
        self._lock = threading.Lock()

    @classmethod
    def of(cls, asked: RequestedPixels | Pixels, paths: Sequence[str]) -> ImageReader:
        """Returns the reader of files. Values that `asked` leaves open follow from the first readable file."""
        if isinstance(asked, Pixels):
            return cls(asked)
        first = next(filter(None, (_kind(path, asked.channels) for path in paths)), None)
        pixels = Pixels.of_type(*first) if first else RGB  # Checking the files names the reason.
        if asked.limits:
            low, high = asked.limits
            return cls(dataclasses.replace(pixels, low=low, high=high), strict=True)
        measured = asked.range == MEASURED or pixels.dtype == "float32"
        return cls(pixels, paths if measured else (), strict=True)

    @property
    def channels(self) -> int:
        """Number of channels. Unlike `pixels`, it reads no file."""
        return self._pixels.channels

    @property
    def pixels(self) -> Pixels:
        """The channels, the type and the range."""
        with self._lock:
            if self._measured_on:
                low, high = _extremes(self.raw, self._measured_on)
                self._pixels, self._measured_on = dataclasses.replace(self._pixels, low=low, high=high), ()
        return self._pixels

    @property
    def format(self) -> tuple[int, str]:
        """(channels, type) of the images that it returns."""
        return self.channels, "uint8" if self.pixels.is_rgb else "float32"

    def fix(self, pixels: Pixels) -> None:
        """Sets the pixels that a task has recorded, with their range. Raises ValueError for other channels or type."""
        now = self._pixels
        if (now.channels, now.dtype) != (pixels.channels, pixels.dtype) and self.strict:
            raise ValueError(
                "A task keeps the channels and the type of its images. "
                f"Received: {now.channels} x {now.dtype}, where it began with {pixels.channels} x {pixels.dtype}"
            )
        self._pixels, self._measured_on = pixels, ()

    def raw(self, path: str) -> np.ndarray:
        """Reads a file as [h, w, channels] of its own type. Raises ImageError if it differs from the task's."""
        if not self.strict and self._pixels.is_rgb:
            return rgb_images.read(path)
        image = decode(path, self.channels)
        if image.dtype != self._pixels.dtype:
            raise ImageError(
                "All images of one side must have one type. "
                f"Received: {path!r} with {image.dtype}, where others have {self._pixels.dtype}"
            )
        return image

    def __call__(self, path: str) -> np.ndarray:
        """Reads a file as pgtf's image."""
        pixels = self.pixels
        return pixels.scaled(self.raw(path))


def _kind(path: str, channels: int) -> tuple[int, str] | None:
    """Returns (channels, type) of a file; None if it cannot be read."""
    try:
        image = decode(path, channels)
    except ImageError:
        return None
    return image.shape[-1], image.dtype.name


def _extremes(read, paths):
    """Returns the least and the greatest value of all readable files."""

    def of_file(path):
        try:
            image = read(path)
        except ImageError:  # Checking the files names it.
            return math.inf, -math.inf
        return float(image.min()), float(image.max())

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = [reading.result() for _, reading in prefetch(pool, of_file, paths, 2 * WORKERS)]
    low, high = min(low for low, _ in found), max(high for _, high in found)
    if low > high:
        return 0.0, 1.0
    return low, high if high > low else low + 1
