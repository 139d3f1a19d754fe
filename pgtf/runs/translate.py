"""Translates images of any size in bounded memory."""

from __future__ import annotations

import math
from typing import Callable

import numpy as np
import tensorflow as tf

from pgtf.assembly.swapping import TaskNetwork
from pgtf.data.pixels import RGB, Pixels
from pgtf.data.rgb_images import to_input
from pgtf.foundation import retracing

TILE = 1024
LEAST = 16  # Smallest height and width that every network takes.


class Translator:
    """Applies a network of images [1, h, w, channels] in [-1, 1] to one image of any size.

    Images are padded by reflection to a multiple of `multiple`, and the result is cropped back. An image that is higher
    or wider than `tile` is translated in tiles that overlap and are blended. The outermost pixels of a tile, which
    depend on its border, are left out. Apart from image and result, memory depends on the tile, and on the image's
    width for one band of rows.

    A network with instance norm normalizes each tile separately. An image within one tile gives exactly the network's
    output. A larger image gives an approximation: no seams, but contrast and colours depend on each tile's content.

    Args:
      network: The network. It is compiled once for all sizes, unless it is a TaskNetwork, which is compiled already.
      multiple: The number that the network's input height and width must be multiples of.
      tile: Height and width of a tile in pixels, rounded down to a multiple of `multiple`.
      overlap: Least overlap of tiles in pixels. Default: a quarter of a tile.
      pixels: The pixels of inputs and of outputs. Default: RGB.
    """

    def __init__(
        self,
        network: Callable,
        multiple: int,
        tile: int = TILE,
        overlap: int | None = None,
        pixels: tuple[Pixels, Pixels] = (RGB, RGB),
    ):
        self.input, self.output = pixels
        self.multiple, self.least = multiple, _up(LEAST, multiple)
        self.tile = tile // multiple * multiple
        self.overlap = self.tile // 4 if overlap is None else overlap
        if self.tile < self.least:
            raise ValueError(f"The tile is smaller than the network's least input, {self.least} px. Received: {tile}")
        if not 0 <= self.overlap < self.tile:
            raise ValueError(
                f"The overlap must be at least 0 and less than the tile, {self.tile} px. Received: {overlap}"
            )

        # One signature for all sizes: a folder of images of different sizes is traced once.
        @tf.function(input_signature=[tf.TensorSpec([1, None, None, self.input.channels], tf.float32)])
        def apply(image):
            return network(image, training=False)

        self._apply = network if isinstance(network, TaskNetwork) else apply

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Translates an array that `Pixels.of_array` takes. Returns [h, w, channels] of the outputs' type."""
        image = self.input.of_array(image)
        height, width, _ = image.shape
        rows, columns = (_tiles(length, self.tile, self.overlap) for length in (height, width))
        result = np.empty((height, width, self.output.channels), self.output.dtype)
        band = np.zeros((len(rows[0][1]), width, self.output.channels), "float32")
        ends = [top for top, _ in rows[1:]] + [height]
        for (top, row_weights), end in zip(rows, ends):
            for left, column_weights in columns:
                across = slice(left, left + len(column_weights))
                piece = self._piece(image[top : top + len(row_weights), across])
                band[:, across] += row_weights[:, None, None] * column_weights[:, None] * piece
            done = end - top  # Rows that no later tile covers.
            result[top:end] = self.output.unscaled(band[:done])
            band[:-done] = band[done:]
            band[-done:] = 0
        return result

    def _piece(self, image):
        """Applies the network to an image of at most one tile. Returns [h, w, channels] in [-1, 1]."""
        sizes = image.shape[:2]
        missing = [max(_up(size, self.multiple), self.least) - size for size in sizes]
        padding = [(lack // 2, lack - lack // 2) for lack in missing]
        padded = np.pad(to_input(image), (*padding, (0, 0)), "reflect")
        try:
            with retracing.silence_retracing():
                output = self._apply(padded[None])[0].numpy()
        except tf.errors.ResourceExhaustedError as error:
            raise ValueError(
                f"Out of memory for one tile. Choose a smaller tile. Received: tile={self.tile}"
            ) from error
        (top, _), (left, _) = padding
        return output[top : top + sizes[0], left : left + sizes[1]]


def _up(size, multiple):
    return math.ceil(size / multiple) * multiple


def _tiles(length, tile, overlap):
    """Returns [(start, weights)] of evenly spaced tiles along one axis. The weights at each pixel sum to 1."""
    if length <= tile:
        return [(0, np.ones(length, "float32"))]
    count = math.ceil((length - overlap) / (tile - overlap))
    starts = np.linspace(0, length - tile, count).round().astype(int)
    rise = np.ones(tile)
    if overlap:
        # Weight 0 in the outer quarter of the overlap, then a smooth rise over its inner half.
        rise = np.clip((np.arange(tile) + 0.5 - overlap / 4) / (overlap / 2), 0, 1)
        rise = rise**2 * (3 - 2 * rise)
    weights, total = [], np.zeros(length)
    for number, start in enumerate(starts):
        weights.append((rise if number else 1) * (rise[::-1] if number < count - 1 else 1) * np.ones(tile))
        total[start : start + tile] += weights[-1]
    return [
        (int(start), (weight / total[start : start + tile]).astype("float32")) for start, weight in zip(starts, weights)
    ]
