"""Draws reliefs: pairs of a 16-bit depth map of domes and blocks on a slope, and a shaded picture of them."""

from __future__ import annotations

import numpy as np

LIGHT = np.array([-0.5, -0.6, 0.62])  # Towards the light: x, y, up.
LOW, HIGH = np.array([70.0, 110.0, 80.0]), np.array([225.0, 190.0, 150.0])  # Colours of the ground and of the top.


def relief(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a depth map, uint16 [size, size, 1], and its picture, uint8 [size, size, 3]."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    slope = rng.uniform(-0.25, 0.25, 2)
    height = 0.2 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    for across, down, radius, top, round_ in rng.uniform((0, 0, 0.08, 0.1, 0), (1, 1, 0.28, 0.35, 1), (9, 5)):
        distance = ((x - across) ** 2 + (y - down) ** 2) / radius**2
        dome = top * np.sqrt(np.clip(1 - distance, 0, None))
        block = top * np.clip(4 * (1 - np.maximum(abs(x - across), abs(y - down)) / radius), 0, 1)
        height = height + (dome if round_ < 0.6 else block)
    level = np.clip(height / 1.2, 0, 1)
    by_y, by_x = np.gradient(height, 1 / size)
    facing = (LIGHT[2] - LIGHT[0] * by_x - LIGHT[1] * by_y) / np.sqrt(1 + by_x**2 + by_y**2)
    light = (0.35 + 0.75 * np.clip(facing, 0, 1))[..., None]
    colour = light * (LOW + level[..., None] * (HIGH - LOW))
    return np.rint(level * 65535).astype("uint16")[..., None], np.rint(np.clip(colour, 0, 255)).astype("uint8")
