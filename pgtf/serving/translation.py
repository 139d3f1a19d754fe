"""Images of any size through one network, in bounded memory."""

from __future__ import annotations

import math
from typing import Callable

import numpy as np
import tensorflow as tf

from pgtf import graphs
from pgtf.data.images import of_array, to_float, to_uint8

TILE = 1024
LEAST = 16  # What a ResNet takes at least, and small enough for every network.


class Translator:
    """A network [1, h, w, 3] -> [1, h, w, 3] in [-1, 1], as a function of one uint8 image [h, w, 3] of any size.

    An image is continued by its mirror image up to a multiple of `multiple`, and the result cut back. One that is
    higher or wider than `tile` (rounded down to a multiple) goes through in tiles that overlap by at least `overlap`
    (a quarter of a tile) and are blended there; their outermost pixels, which see the border of the tile, are left
    out. Beyond image and result, memory then depends on the tile, and on the image's width for one band of rows.

    A network that normalizes over the image normalizes each tile by itself. So an image within one tile gives what
    the network gives for the whole, and a larger one gives something like it: no seams, but contrast and colours
    follow each tile's own content.
    """

    def __init__(self, network: Callable, multiple: int, tile: int = TILE, overlap: int | None = None):
        self.multiple, self.least = multiple, _up(LEAST, multiple)
        self.tile = tile // multiple * multiple
        self.overlap = self.tile // 4 if overlap is None else overlap
        if self.tile < self.least:
            raise ValueError(f"A tile must hold what the network takes at least, {self.least} px. Received: {tile}")
        if not 0 <= self.overlap < self.tile:
            raise ValueError(f"Tiles of {self.tile} px overlap by less than that. Received: {overlap}")

        # One signature for all sizes, so that a folder of odd sizes is traced once.
        @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)])
        def apply(image):
            return network(image, training=False)

        self._apply = apply

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Translates gray, RGB or RGBA, uint8 or uint16, as `images.of_array` takes them; gives uint8 [h, w, 3]."""
        image = of_array(image)
        height, width, _ = image.shape
        rows, columns = (_tiles(length, self.tile, self.overlap) for length in (height, width))
        result = np.empty_like(image)
        band = np.zeros((len(rows[0][1]), width, 3), "float32")
        ends = [top for top, _ in rows[1:]] + [height]
        for (top, row_weights), end in zip(rows, ends):
            for left, column_weights in columns:
                across = slice(left, left + len(column_weights))
                piece = self._piece(image[top : top + len(row_weights), across])
                band[:, across] += row_weights[:, None, None] * column_weights[:, None] * piece
            done = end - top  # Rows that no later tile touches.
            result[top:end] = to_uint8(band[:done])
            band[:-done] = band[done:]
            band[-done:] = 0
        return result

    def _piece(self, image):
        """uint8 [h, w, 3], at most a tile -> the network's [h, w, 3] in [-1, 1]."""
        sizes = image.shape[:2]
        missing = [max(_up(size, self.multiple), self.least) - size for size in sizes]
        padding = [(lack // 2, lack - lack // 2) for lack in missing]
        padded = np.pad(to_float(image), (*padding, (0, 0)), "reflect")
        try:
            with graphs.of_its_own():
                output = self._apply(padded[None])[0].numpy()
        except tf.errors.ResourceExhaustedError as error:
            raise ValueError(
                f"A tile must fit into memory; a smaller one takes less. Received: tile={self.tile}"
            ) from error
        (top, _), (left, _) = padding
        return output[top : top + sizes[0], left : left + sizes[1]]


def _up(size, multiple):
    return math.ceil(size / multiple) * multiple


def _tiles(length, tile, overlap):
    """[(start, weights)] of evenly spread tiles along one axis; at each pixel the weights sum to 1."""
    if length <= tile:
        return [(0, np.ones(length, "float32"))]
    count = math.ceil((length - overlap) / (tile - overlap))
    starts = np.linspace(0, length - tile, count).round().astype(int)
    rise = np.ones(tile)
    if overlap:
        # Nothing of the outer quarter of the overlap, then a smooth rise over its inner half.
        rise = np.clip((np.arange(tile) + 0.5 - overlap / 4) / (overlap / 2), 0, 1)
        rise = rise**2 * (3 - 2 * rise)
    weights, total = [], np.zeros(length)
    for number, start in enumerate(starts):
        weights.append((rise if number else 1) * (rise[::-1] if number < count - 1 else 1) * np.ones(tile))
        total[start : start + tile] += weights[-1]
    return [
        (int(start), (weight / total[start : start + tile]).astype("float32")) for start, weight in zip(starts, weights)
    ]
