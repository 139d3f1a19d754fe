"""Drawn faces, of people and of cats: varied in pose, colours, hair, eyes and mouth; stand-ins for photos of faces."""

from __future__ import annotations

import numpy as np

SKINS = np.array([[255, 224, 196], [240, 190, 150], [198, 134, 92], [141, 85, 52], [90, 56, 37]], float)
FURS = np.array([[230, 150, 70], [120, 120, 125], [60, 55, 55], [235, 230, 220], [160, 115, 80]], float)
HAIRS = np.array([[40, 28, 20], [95, 60, 30], [190, 150, 80], [150, 60, 30], [170, 170, 170]], float)


class _Sheet:
    """A picture [size, size, 3] in the coordinates of a face, which is about 1 wide; it is tilted and shifted."""

    def __init__(self, rng: np.random.Generator, size: int):
        centres = (np.arange(size) + 0.5) / size - 0.5
        x, y = np.meshgrid(centres, centres)
        scale, tilt = rng.uniform(0.34, 0.42), rng.normal(0, 0.12)
        x, y = (x - rng.normal(0, 0.03)) / scale, (y - rng.normal(0.03, 0.03)) / scale
        self.x, self.y = x * np.cos(tilt) + y * np.sin(tilt), y * np.cos(tilt) - x * np.sin(tilt)
        self.pixel = 1 / (size * scale)
        low, high = np.sort(rng.uniform(30, 235, (2, 3)), axis=0)
        self.picture = low + (high - low) * np.clip(y[..., None] / 2 + 0.5, 0, 1)

    def paint(self, distance: np.ndarray, colour: np.ndarray) -> None:
        """Paints where a distance is negative."""
        cover = np.clip(0.5 - distance / (2 * self.pixel), 0, 1)[..., None]
        self.picture += cover * (colour - self.picture)

    def ellipse(self, x: float, y: float, across: float, down: float) -> np.ndarray:
        """Returns the distance to an ellipse, negative inside."""
        return (np.hypot((self.x - x) / across, (self.y - y) / down) - 1) * min(across, down)

    def arc(self, y: float, width: float, bend: float, thick: float) -> np.ndarray:
        """Returns the distance to an arc around the middle, which is bent downwards."""
        outside = np.maximum(abs(self.x) - width, 0)
        return np.hypot(self.y - y - bend * (1 - (self.x / width) ** 2), outside) - thick


def face(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draws the face of a person, uint8 [size, size, 3]."""
    sheet, skin, hair = _Sheet(rng, size), _mixed(rng, SKINS), _mixed(rng, HAIRS)
    long, wide, turn = rng.uniform(1.1, 1.4), rng.uniform(0.75, 0.95), rng.normal(0, 0.1)
    if rng.random() < 0.5:  # Long hair.
        sheet.paint(sheet.ellipse(0, 0.2, wide * 1.3, long * 1.25), hair * 0.8)
    sheet.paint(sheet.ellipse(0, long + 0.5, 1.2, 0.8), _mixed(rng, HAIRS) * rng.uniform(0.5, 1.5))
    sheet.paint(sheet.ellipse(0, long, 0.4, 0.5), skin * 0.8)
    sheet.paint(sheet.ellipse(0, -0.15, wide * 1.12, long), hair)
    sheet.paint(sheet.ellipse(0, rng.uniform(0.08, 0.25), wide, long * 0.93), skin)
    _eyes(sheet, rng, turn, skin, at=-0.1, apart=rng.uniform(0.34, 0.42), size=rng.uniform(0.1, 0.14))
    for side in (-1, 1):
        sheet.paint(sheet.ellipse(side * 0.38 + turn, -0.36, 0.19, rng.uniform(0.025, 0.06)), hair * 0.7)
    sheet.paint(sheet.ellipse(turn, 0.22, 0.09, 0.2), skin * 0.86)
    smile, lips = rng.normal(0.08, 0.07), np.array([170, 60, 60]) * rng.uniform(0.7, 1.2)
    sheet.paint(sheet.arc(0.6, rng.uniform(0.24, 0.38), smile, rng.uniform(0.03, 0.07)), lips)
    if rng.random() < 0.2:  # Glasses.
        for side in (-1, 1):
            sheet.paint(abs(sheet.ellipse(side * 0.38 + turn, -0.1, 0.27, 0.22)) - 0.03, np.full(3, 30.0))
    return _finished(sheet, rng)


def cat(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draws the face of a cat, uint8 [size, size, 3]."""
    sheet, fur, turn = _Sheet(rng, size), _mixed(rng, FURS), rng.normal(0, 0.08)
    for side in (-1, 1):
        x, y = side * sheet.x - 0.62, sheet.y + 0.85
        ear = np.maximum(abs(x - 0.1 * y) - 0.28 - 0.3 * y, abs(y) - 0.5)
        sheet.paint(ear, fur * 0.9)
        sheet.paint(ear + 0.14, np.array([225, 160, 150]) * rng.uniform(0.8, 1.1))
    sheet.paint(sheet.ellipse(0, 0.1, 1.05, 0.95), fur)
    stripes = np.maximum(sheet.ellipse(0, 0.1, 1.0, 0.9), np.cos(sheet.x * rng.uniform(9, 14)) * 0.1 + sheet.y + 0.35)
    sheet.paint(stripes, fur * rng.uniform(0.55, 1.0))
    sheet.paint(sheet.ellipse(turn, 0.5, 0.5, 0.36), np.minimum(fur * 1.3 + 20, 255))
    _eyes(sheet, rng, turn, fur, at=-0.08, apart=0.45, size=rng.uniform(0.17, 0.22), slit=True)
    sheet.paint(sheet.ellipse(turn, 0.36, 0.12, 0.08), np.array([200, 110, 110.0]))
    sheet.paint(sheet.arc(0.56, 0.22, 0.06, 0.025), np.full(3, 50.0))
    return _finished(sheet, rng)


def _eyes(sheet, rng, turn, around, at, apart, size, slit=False):
    iris, look = rng.uniform(20, 170, 3), rng.normal(0, 0.02)
    for side in (-1, 1):
        x = side * apart + turn
        sheet.paint(sheet.ellipse(x, at, 1.5 * size, size * 1.15), around * 0.6)
        sheet.paint(sheet.ellipse(x, at, 1.35 * size, size), np.full(3, 240.0) if not slit else iris + 60)
        sheet.paint(sheet.ellipse(x + look, at, 0.75 * size * (0.4 if slit else 1), 0.85 * size), iris * (not slit))
        sheet.paint(sheet.ellipse(x + look, at, 0.3 * size, 0.4 * size), np.full(3, 10.0))


def _mixed(rng, colours):
    """Returns a colour between those of a table."""
    return rng.dirichlet(np.full(len(colours), 0.4)) @ colours


def _finished(sheet, rng):
    """Lights the picture from a side and adds noise."""
    light = 1 + rng.normal(0, 0.12) * sheet.x[..., None] + rng.normal(0, 0.08) * sheet.y[..., None]
    noise = rng.normal(0, 3, (*sheet.x.shape, 1))
    return np.clip(sheet.picture * light + noise + 0.5, 0, 255).astype("uint8")


SINGLES = {"faces": face, "cats": cat}
