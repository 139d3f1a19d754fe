"""Generates images with a learned task: from seeds or latents, truncated, and interpolated."""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pgtf.data.rgb_images import to_uint8
from pgtf.foundation.settings import refuse
from pgtf.networks.stylegan2 import halves
from pgtf.objectives.unconditional.latents import latents

AVERAGED = 4096  # Latents of the average style, those of the first seeds.
BATCH = 16
MOST = 100_000  # Seeds in one call.


class ImageGenerator:
    """A function of latents: float32 [n, length] -> uint8 images [n, h, w, 3].

    Args:
      network: A learned network; see `networks.StyleGAN2`.

    Attributes:
      length: Number of values of a latent.
      bytes: Size of the network's values in memory.
    """

    def __init__(self, network: Any):
        self._mapping, self._synthesis = halves(network)
        self.length, self.bytes = int(network.input.shape[-1]), 4 * int(network.count_params())

    def __call__(self, given: np.ndarray, truncation: float = 1.0) -> np.ndarray:
        """Generates images.

        Args:
          given: Latents, [n, length].
          truncation: ψ: styles become average + ψ (style - average). Smaller values give less varied images.
        """
        return self.images(self.styles(given, truncation))

    def styles(self, given: np.ndarray, truncation: float = 1.0) -> np.ndarray:
        """Returns the styles of latents, float32 [n, styles, values]."""
        given = np.asarray(given, "float32")
        if given.ndim != 2 or given.shape[1] != self.length or not np.isfinite(given).all():
            raise ValueError(
                f"Latents must be finite numbers [n, {self.length}]. Received: {given.dtype} {list(given.shape)}"
            )
        found = np.asarray(self._mapping(given, training=False))
        return found if truncation == 1 else self.average + truncation * (found - self.average)

    @functools.cached_property
    def average(self) -> np.ndarray:
        """The average style, float32 [styles, values]."""
        found = np.asarray(self._mapping(latents(range(AVERAGED), self.length), training=False))
        return np.asarray(found.mean(0, dtype="float64"), "float32")

    def images(self, styles: np.ndarray) -> np.ndarray:
        """Returns the images of styles, uint8 [n, h, w, 3]."""
        batches = [styles[start : start + BATCH] for start in range(0, len(styles), BATCH)]
        return np.concatenate([to_uint8(self._synthesis(batch, training=False)) for batch in batches])

    def seeds(self, numbers: Iterable[int], truncation: float = 1.0) -> np.ndarray:
        """Returns the images of seeds."""
        return self(latents(numbers, self.length), truncation)

    def between(self, numbers: Sequence[int], steps: int, truncation: float = 1.0) -> np.ndarray:
        """Returns interpolated images from each seed to the next one, in `steps` equal steps between their styles."""
        ends = self.styles(latents(numbers, self.length), truncation)
        shares = np.linspace(0, 1, steps, endpoint=False, dtype="float32")[:, None, None]
        pairs = [one + shares * (other - one) for one, other in zip(ends, ends[1:])]
        return self.images(np.concatenate([*pairs, ends[-1:]]))


def parsed_seeds(text: str) -> list[int]:
    """Parses seeds: numbers and ranges, as in "0-99" or "1,5,20-29"."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            refuse("seeds", "numbers and ranges, as in 0-99 or 1,5,20-29", text)
        if len(found) + int(match[2] or match[1]) - int(match[1]) >= MOST:
            refuse("seeds", f"at most {MOST:,}", text)
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return found


def sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Joins images [n, h, w, 3] to a grid with `columns` columns. Empty cells are white."""
    n, height, width, channels = images.shape
    rows = -(-n // columns)
    white = np.full([rows * columns - n, height, width, channels], 255, "uint8")
    cells = np.concatenate([images, white]).reshape(rows, columns, height, width, channels)
    return cells.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
