"""Draws satellite images: pairs of six bands and a map of water, fields, forest and town, each with its spectrum."""

from __future__ import annotations

import numpy as np

# {kind of land: (reflectance in six bands, colour on the map)}
LAND = {
    "water": ((0.08, 0.06, 0.04, 0.02, 0.01, 0.01), (120, 170, 220)),
    "fields": ((0.06, 0.10, 0.09, 0.45, 0.28, 0.14), (235, 225, 165)),
    "forest": ((0.03, 0.05, 0.03, 0.38, 0.16, 0.07), (140, 185, 125)),
    "town": ((0.16, 0.18, 0.20, 0.24, 0.28, 0.26), (205, 195, 195)),
}
WAVES, FULL, NOISE = 6, 20_000, 0.012  # Waves of a field; the value of reflectance 1; deviation of a pixel.


def satellite(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws six bands, uint16 [size, size, 6], and the map of the same place, uint8 [size, size, 3]."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    wet, green, built, tilt = (_field(rng, x, y) for _ in range(4))
    kind = np.where(green > 0, 2, 1)
    kind = np.where(built > 0.9, 3, kind)
    kind = np.where(wet > 0.7, 0, kind)
    spectra = np.array([spectrum for spectrum, _ in LAND.values()])
    colours = np.array([colour for _, colour in LAND.values()], "uint8")
    light = (1 + 0.08 * tilt)[..., None]  # Hills that the map does not show.
    bands = spectra[kind] * light + NOISE * rng.standard_normal((size, size, 6))  # Last: it depends on the size.
    return np.rint(np.clip(bands, 0, 1) * FULL).astype("uint16"), colours[kind]


def _field(rng, x, y):
    """Returns a smooth random field of mean 0 and deviation 1."""
    waves = rng.uniform((-3, -3, 0), (3, 3, 1), (WAVES, 3))
    total = sum(np.cos(2 * np.pi * (across * x + down * y + phase)) for across, down, phase in waves)
    return total / np.sqrt(WAVES / 2)
