"""Drawn labelled images: shapes, textures and digits, in random places, sizes, turns and colours."""

from __future__ import annotations

import dataclasses
from typing import Callable

import numpy as np

SHAPES = ("circle", "cross", "ring", "square", "star", "triangle")
TEXTURES = ("bricks", "checks", "dots", "rings", "stripes", "waves")
DIGITS = tuple("0123456789")

# A seven-segment display's segments: ends (x, y) in a box of 1 by 2; and the segments that each digit lights.
_SEGMENTS = {
    "a": ((0, 0), (1, 0)),
    "b": ((1, 0), (1, 1)),
    "c": ((1, 1), (1, 2)),
    "d": ((0, 2), (1, 2)),
    "e": ((0, 1), (0, 2)),
    "f": ((0, 0), (0, 1)),
    "g": ((0, 1), (1, 1)),
}
_LIT = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgecd", "abc", "abcdefg", "abcdfg")


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A drawn task. classes: Their names. draw: (label, rng, size) -> uint8 [size, size, 3]."""

    classes: tuple[str, ...]
    draw: Callable[[int, np.random.Generator, int], np.ndarray]


def _shape(label, rng, size):
    x, y = _turned(rng, size, scale=rng.uniform(0.22, 0.4), shift=0.15)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    distance = {
        "circle": radius - 1,
        "cross": np.maximum(np.minimum(abs(x), abs(y)) - 0.3, np.maximum(abs(x), abs(y)) - 1),
        "ring": abs(radius - 0.75) - 0.25,
        "square": np.maximum(abs(x), abs(y)) - 0.85,
        "star": radius - 0.7 - 0.35 * np.cos(5 * angle),
        "triangle": np.maximum(np.maximum(y - 0.6, 0.87 * x - 0.5 * y - 0.6), -0.87 * x - 0.5 * y - 0.6),
    }[SHAPES[label]]
    return _picture(rng, distance, size)


def _texture(label, rng, size):
    x, y = _turned(rng, size, scale=rng.uniform(0.12, 0.2), shift=0.5)
    wave = {
        "bricks": np.minimum(_edge(y), _edge(x / 2 + 0.5 * (np.floor(y) % 2)) * 2) - 0.12,
        "checks": np.sin(np.pi * x) * np.sin(np.pi * y),
        "dots": np.hypot(x % 1 - 0.5, y % 1 - 0.5) - 0.3,
        "rings": np.sin(2 * np.pi * np.hypot(x, y)),
        "stripes": np.sin(2 * np.pi * x),
        "waves": np.sin(2 * np.pi * (x + 0.4 * np.sin(2 * y))),
    }[TEXTURES[label]]
    return _picture(rng, wave, size)


def _digit(label, rng, size):
    x, y = _turned(rng, size, scale=rng.uniform(0.3, 0.42), shift=0.1, turn=0.3, slant=0.25)
    x, y = 1.6 * x + 0.5, 1.25 * y + 1
    distance = np.full(x.shape, np.inf)
    for name in _LIT[label]:
        (x0, y0), (x1, y1) = _SEGMENTS[name]
        along = np.clip((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0), 0, 1)
        np.minimum(distance, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)), out=distance)
    return _picture(rng, distance - rng.uniform(0.1, 0.2), size)


def _turned(rng, size, scale, shift, turn=np.pi, slant=0.0):
    """Returns columns and rows [size, size] in a turned, slanted and shifted frame, where 1 is `scale` of the image."""
    centres = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(centres, centres)
    x, y = (x - rng.uniform(-shift, shift)) / scale, (y - rng.uniform(-shift, shift)) / scale
    angle, x = rng.uniform(-turn, turn), x + rng.uniform(-slant, slant) * y
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _edge(values):
    """Returns the distance to the nearest whole number."""
    return abs(values - np.round(values))


def _picture(rng, distance, size):
    """Paints where `distance` is negative, in one of two colours that differ in brightness, with some noise."""
    dark, light = rng.uniform(0, 100, 3), rng.uniform(150, 255, 3)
    front, back = (dark, light) if rng.random() < 0.5 else (light, dark)
    slope = max(float(np.abs(np.diff(distance, axis=0)).mean()), 1e-6)
    cover = np.clip(0.5 - distance / (2 * slope), 0, 1)[..., None]
    picture = back + cover * (front - back) + rng.normal(0, 8, (size, size, 1))
    return np.clip(picture + 0.5, 0, 255).astype("uint8")


LABELLED: dict[str, Labelled] = {
    "shapes": Labelled(SHAPES, _shape),
    "textures": Labelled(TEXTURES, _texture),
    "digits": Labelled(DIGITS, _digit),
}
