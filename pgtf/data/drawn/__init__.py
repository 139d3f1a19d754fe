"""Drawn data sets: procedurally generated, seeded, unlimited stand-ins that need no download."""

import itertools
import zlib

import numpy as np

from pgtf.data.drawn.classes import LABELLED
from pgtf.data.drawn.facades import facade
from pgtf.data.drawn.faces import SINGLES
from pgtf.data.drawn.handbags import handbag
from pgtf.data.drawn.landscapes import monet, ukiyoe
from pgtf.data.drawn.maps import city_map
from pgtf.data.drawn.relief import relief
from pgtf.data.drawn.satellite import satellite
from pgtf.data.drawn.streets import street
from pgtf.data.pixels import RGB, Pixels

SMALLEST = 16

# Each value draws one pair: (rng, size) -> input, target. It must use the rng in the same way at every size, so that
# index 7 is the same scene at 64 and at 256 pixels.
TASKS = {
    "cityscapes": street,
    "maps": city_map,
    "facades": facade,
    "edges2handbags": handbag,
    "photo2monet": monet,
    "photo2ukiyoe": ukiyoe,
}

# The same of inputs that are not RGB: one channel of 16 bits, and six.
DEEP = {"depth2relief": relief, "satellite2map": satellite}
PIXELS: dict[str, tuple[Pixels, Pixels]] = {
    "depth2relief": (Pixels.of_type(1, "uint16"), RGB),
    "satellite2map": (Pixels(6, "uint16", 0.0, 20_000.0), RGB),
}


# Both styles draw the same photos: their inputs are equal, their outputs differ.
_SCENES = {"photo2monet": "photo", "photo2ukiyoe": "photo"}


# NAME#7 is NAME with the colour channels of its targets permuted and inverted in one of VARIANTS ways: another task.
_EXCHANGES = tuple(itertools.permutations(range(3)))
VARIANTS = 8 * len(_EXCHANGES)
KNOWN = f"{', '.join((*TASKS, *DEEP))}, each also as NAME#1 … NAME#{VARIANTS - 1}"


def is_drawn(task: str) -> bool:
    """Returns whether a task can be drawn."""
    name, sign, number = task.partition("#")
    proper = number.isdecimal() and number.isascii() and number == str(int(number)) and 0 < int(number) < VARIANTS
    return (name in TASKS or name in DEEP) and (proper if sign else True)


def pixels_of(task: str) -> tuple[Pixels, Pixels]:
    """Returns the pixels of a drawn task's inputs and targets."""
    return PIXELS.get(task.partition("#")[0], (RGB, RGB))


def draw(task: str, index: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draws one (input, target) pair of a task. Both are uint8 [size, size, 3], or as `pixels_of` says."""
    if not is_drawn(task):
        raise ValueError(f"`task` must be one of {KNOWN}. Received: {task!r}")
    if size < SMALLEST:
        raise ValueError(f"`size` must be at least {SMALLEST}. Received: {size}")
    if index < 0 or seed < 0:
        raise ValueError(f"`index` and `seed` must not be negative. Received: index={index}, seed={seed}")
    name, _, number = task.partition("#")
    scene = zlib.crc32(_SCENES.get(name, name).encode())
    given, target = (TASKS.get(name) or DEEP[name])(np.random.default_rng([seed, scene, index]), size)
    return given, _recoloured(target, int(number or 0))


def label_of(task: str, index: int) -> int:
    """Returns the label of an image of a labelled task: classes follow each other, so all are equally frequent."""
    return index % len(LABELLED[task].classes)


def draw_labelled(task: str, index: int, size: int, seed: int = 0) -> np.ndarray:
    """Draws one image of a labelled task, uint8 [size, size, 3]; see `label_of`."""
    rng = np.random.default_rng([seed, zlib.crc32(task.encode()), index])
    return LABELLED[task].draw(label_of(task, index), rng, size)


def is_single(task: str) -> bool:
    """Returns whether single images of a task can be drawn, without a label."""
    return task in SINGLES or is_drawn(task)


def draw_single(task: str, index: int, size: int, seed: int = 0) -> np.ndarray:
    """Draws one image, uint8 [size, size, 3]: of a task of single images, or the target of a pair."""
    if task in SINGLES:
        return SINGLES[task](np.random.default_rng([seed, zlib.crc32(task.encode()), index]), size)
    return draw(task, index, size, seed)[1]


def _recoloured(image: np.ndarray, variant: int) -> np.ndarray:
    """Permutes and inverts the channels of an image; variant 0 returns it unchanged."""
    inverted, exchange = divmod(variant, len(_EXCHANGES))
    flips = np.array([255 * (inverted >> channel & 1) for channel in range(3)], "uint8")
    return np.ascontiguousarray(image[..., _EXCHANGES[exchange]] ^ flips)
