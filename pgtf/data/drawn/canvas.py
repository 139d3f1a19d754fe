"""Canvas: a photo and its label map, painted together in coordinates that do not depend on the pixel size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Callable, NamedTuple, Union

import numpy as np

# Three values of 0..255, or a picture [3, h, w] of them.
Colour = Union[Sequence[float], np.ndarray]
# A picture's colours at its columns x [1, w] and rows y [h, 1].
Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Shape(NamedTuple):
    """A region: its bounding box and its signed distance, negative inside, at columns x, rows y."""

    left: float
    top: float
    right: float
    bottom: float
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray]


def box(left: float, top: float, right: float, bottom: float) -> Shape:
    """An upright rectangle."""
    centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
    half_x, half_y = (right - left) / 2, (bottom - top) / 2

    def distance(x, y):
        return np.maximum(abs(x - centre_x) - half_x, abs(y - centre_y) - half_y)

    return Shape(left, top, right, bottom, distance)


def ellipse(centre_x: float, centre_y: float, radius_x: float, radius_y: float) -> Shape:
    """An upright ellipse."""

    def distance(x, y):
        if radius_x == radius_y:
            return np.sqrt((x - centre_x) ** 2 + (y - centre_y) ** 2) - radius_x
        across, down = ((x - centre_x) / radius_x) ** 2, ((y - centre_y) / radius_y) ** 2
        ratio = np.sqrt(across + down) + 1e-6
        # Divided by its own slope, the ratio becomes a distance that holds near the outline.
        slope = np.sqrt(across / radius_x**2 + down / radius_y**2) + 1e-9
        return (ratio - 1) * ratio / slope

    return Shape(centre_x - radius_x, centre_y - radius_y, centre_x + radius_x, centre_y + radius_y, distance)


def polygon(*points: tuple[float, float]) -> Shape:
    """A convex polygon, its corners listed in either turning direction."""
    sides = list(zip(points, points[1:] + points[:1]))
    turn = 1 if sum(a[0] * b[1] - a[1] * b[0] for a, b in sides) > 0 else -1
    planes = []
    for (x0, y0), (x1, y1) in sides:
        length = turn * max(float(np.hypot(x1 - x0, y1 - y0)), 1e-9)
        across, down = (y1 - y0) / length, (x0 - x1) / length
        planes.append((across, down, across * x0 + down * y0))

    def distance(x, y):
        # Row and column terms stay vectors until the one sum that makes them a picture.
        far = [x * across + (y * down - offset) for across, down, offset in planes]
        for other in far[1:]:
            np.maximum(far[0], other, out=far[0])
        return far[0]

    return Shape(
        min(x for x, _ in points),
        min(y for _, y in points),
        max(x for x, _ in points),
        max(y for _, y in points),
        distance,
    )


def union(*shapes: Shape) -> Shape:
    """The union of shapes."""

    def distance(x, y):
        near = shapes[0].distance(x, y)
        for shape in shapes[1:]:
            near = np.minimum(near, shape.distance(x, y))
        return near

    return Shape(
        min(shape.left for shape in shapes),
        min(shape.top for shape in shapes),
        max(shape.right for shape in shapes),
        max(shape.bottom for shape in shapes),
        distance,
    )


class Noise:
    """Smooth seeded noise in -1..1, read at any columns x [1, w] and rows y [h, 1]."""

    def __init__(self, rng: np.random.Generator, cells_x: int, cells_y: int | None = None):
        self.cells = cells_y or cells_x, cells_x
        self.lattice = rng.random([count + 2 for count in self.cells], dtype=np.float32) * 2 - 1

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        row, down = self._cell(y[:, 0], self.cells[0])
        column, across = self._cell(x[0], self.cells[1])
        rows = self.lattice[row]
        rows += (self.lattice[row + 1] - rows) * down[:, None]
        left = rows.take(column, 1)
        right = rows.take(column + 1, 1)
        right -= left
        right *= across
        left += right
        return left

    @staticmethod
    def _cell(position, cells):
        position = unit(position) * cells
        index = position.astype(np.intp)
        part = position - index
        return index, (part * part * (3 - 2 * part)).astype(np.float32)


class Canvas:
    """A soft-edged photo [3, size, size] and its hard-edged label map [size, size] of class numbers.

    Channels come first because numpy is several times faster with a long last axis. The first
    class is the background.
    """

    def __init__(self, size: int, classes: Sequence[str] | Mapping[str, Colour] = ("background",)):
        self.size = size
        self.classes = {name: number for number, name in enumerate(classes)}
        centres = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.x, self.y = centres[None, :], centres[:, None]
        self.photo = np.full([3, size, size], 255, np.float32)
        self.plan = np.zeros([size, size], np.uint8)

    def paint(
        self,
        shape: Shape,
        colour: Colour | Paint | None = None,
        name: str | None = None,
        opacity: float = 1.0,
        blur: float = 0.0,
    ) -> None:
        """Paints a shape: in `colour` on the photo, as class `name` on the label map."""
        finest = min(shape.right - shape.left, shape.bottom - shape.top) * self.size
        if name is None and finest < 0.5:  # It would hardly tint a pixel.
            return
        rows, columns, distance = self._measure(shape, blur)
        if distance is None:
            return
        if name is not None:
            self.plan[rows, columns][distance < 0] = self.classes[name]
        if colour is not None:
            if callable(colour):
                colour = colour(self.x[:, columns], self.y[rows])
            distance = distance * (-1 / (1 / self.size + 2 * blur))
            distance += 0.5
            cover = unit(distance)
            self._blend(rows, columns, colour, cover if opacity == 1 else cover * opacity)

    def outline(self, shape: Shape, colour: Colour, width: float, opacity: float = 1.0) -> None:
        """Draws the shape's contour on the photo, a line `width` wide, a pixel at least."""
        rows, columns, distance = self._measure(shape, width)
        if distance is not None:
            half = max(width, 1 / self.size) / 2
            cover = unit((half - abs(distance)) * self.size + 0.5)
            self._blend(rows, columns, colour, cover * opacity)

    def _blend(self, rows, columns, colour, cover):
        below = self.photo[:, rows, columns]
        change = rgb(colour) - below
        change *= cover
        below += change

    def _measure(self, shape, margin):
        """The shape's rows, columns and the distance there, None where nothing of it shows."""
        rows = self._span(shape.top - margin, shape.bottom + margin)
        columns = self._span(shape.left - margin, shape.right + margin)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return rows, columns, None
        return rows, columns, shape.distance(self.x[:, columns], self.y[rows])

    def _span(self, start, stop):
        first, last = int(start * self.size) - 2, int(stop * self.size) + 2
        return slice(max(first, 0), min(max(last, 0), self.size))

    def pair(self, palette: Mapping[str, Colour]) -> tuple[np.ndarray, np.ndarray]:
        """The plan in the palette's colours, and the photo. Both are uint8 [size, size, 3]."""
        colours = np.array([palette[name] for name in self.classes], np.uint8)
        return colours[self.plan], picture(self.photo)


def picture(photo: np.ndarray) -> np.ndarray:
    """Converts a photo [3, h, w], values 0..255, to a uint8 picture [h, w, 3]."""
    photo = photo + np.float32(0.5)
    np.minimum(np.maximum(photo, 0, out=photo), 255, out=photo)
    return np.stack(list(photo.astype(np.uint8)), axis=-1)


def unit(values: float | np.ndarray) -> np.ndarray:
    """Clips values to 0..1; for small arrays several times faster than `np.clip`."""
    kept = np.asarray(np.maximum(values, 0))
    return np.minimum(kept, 1, out=kept)


def fraction(values: np.ndarray) -> np.ndarray:
    """Returns the fractional part, `values % 1`, but faster."""
    return values - np.floor(values)


def rgb(colour: Colour) -> np.ndarray:
    """Reshapes a triple to [3, 1, 1], to broadcast over a picture; returns a picture as it is."""
    colour = np.asarray(colour, np.float32)
    return colour[:, None, None] if colour.ndim == 1 else colour


def shade(colour: Colour, amount: float | np.ndarray) -> np.ndarray:
    """The colour, scaled by a number or by each value of [h, w]."""
    return rgb(colour) * np.asarray(amount, np.float32)


def mix(first: Colour, second: Colour, share: float | np.ndarray) -> np.ndarray:
    """Blends two colours. share: Fraction of `second`, a number or [h, w]."""
    first = rgb(first)
    change = (rgb(second) - first) * np.asarray(share, np.float32)
    change += first
    return change
