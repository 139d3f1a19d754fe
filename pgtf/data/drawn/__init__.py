"""Drawn stand-ins for the data sets: endless, seeded, and there before anything is downloaded."""

import zlib

import numpy as np

from pgtf.data.drawn.facades import facade
from pgtf.data.drawn.handbags import handbag
from pgtf.data.drawn.landscapes import monet, ukiyoe
from pgtf.data.drawn.maps import city_map
from pgtf.data.drawn.streets import street

SMALLEST = 16

# Each value draws one pair: (rng, size) -> input, target. The rng must be used in the same way at
# every size: that is what makes index 7 the same scene at 64 and at 256 pixels.
TASKS = {
    "cityscapes": street,
    "maps": city_map,
    "facades": facade,
    "edges2handbags": handbag,
    "photo2monet": monet,
    "photo2ukiyoe": ukiyoe,
}

# The two styles draw the same photos: they share their inputs and conflict in their outputs.
_SCENES = {"photo2monet": "photo", "photo2ukiyoe": "photo"}


def draw(task: str, index: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One (input, target) pair of a drawn task. Both are uint8 [size, size, 3]."""
    if task not in TASKS:
        raise ValueError(f"`task` must be one of {', '.join(TASKS)}. Received: {task!r}")
    if size < SMALLEST:
        raise ValueError(f"`size` must be at least {SMALLEST}. Received: {size}")
    if index < 0 or seed < 0:
        raise ValueError(f"`index` and `seed` must not be negative. Received: index={index}, seed={seed}")
    scene = zlib.crc32(_SCENES.get(task, task).encode())
    return TASKS[task](np.random.default_rng([seed, scene, index]), size)
