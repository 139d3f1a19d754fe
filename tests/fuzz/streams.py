"""Streams of odd sizes: each pass shows each image, no image meets its pair, and who begins later sees the same."""

from __future__ import annotations

import math

import numpy as np

from pgtf.data.sources import Side, Source, Subset
from pgtf.data.streams import Stream
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import some

PASSES = 3


class Numbered(Source):
    """Stacks whose pixels are the stack's number, in 16 bits."""

    def __init__(self, count: int, images: int, height: int, width: int):
        self.count, self.images, self.height, self.width = count, images, height, width

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        pixels = [index // 256, index % 256, 0]
        return np.broadcast_to(np.array(pixels, "uint8"), [self.images, self.height, self.width, 3]).copy()


def attack(case: Case) -> str:
    """Holds a stream against what is told of it."""
    draw = case.draw
    apart, batch = bool(draw.integers(2)), int(draw.integers(1, 6))
    sources, count = _sources(draw, apart)
    seed = some(draw, (0, 1, 2**31 - 1, "7/3", int(draw.integers(2**31))))
    how = dict(seed=seed, name="fuzz", batch_size=batch, pairs_apart=apart, augment=bool(draw.integers(2)))
    try:
        stream = Stream(sources, 2, 3, **how)
    except ValueError as error:
        if min(count) >= (2 if apart else 1) * batch:
            raise Finding(f"A stream of {count} images in batches of {batch} is one. Received: {error}") from error
        return "too few"
    if min(count) < (2 if apart else 1) * batch:
        raise Finding(f"A stream has enough images for a batch. Received: {count}, batch size {batch}, {apart=}")
    steps = min(PASSES * stream.steps_per_epoch, 120)
    batches = list(stream.dataset(0, steps).as_numpy_iterator())
    shown = np.array([[_numbers(part) for part in batch] for batch in batches])  # [steps, sources' images, batch]
    if apart:
        _check_apart(shown, count[0])
    else:
        _check_passes(shown, sources, count)
    start = int(draw.integers(steps))
    again = Stream(sources, 2, 3, **how).dataset(start, steps).as_numpy_iterator()
    for step, (one, other) in enumerate(zip(again, batches[start:]), start):
        if any(a.tobytes() != b.tobytes() for a, b in zip(one, other)):
            raise Finding(f"Who begins at step {start} sees the same. Received: another batch {step} of {how}")
    return "apart" if apart else "together"


def _sources(draw, apart):
    """One source of pairs, two of single images, or the two sides of pairs; and their counts."""
    height, width = 2 + int(draw.integers(3)), 3 + int(draw.integers(3))
    if apart:
        pairs = Numbered(int(draw.integers(1, 40)), 2, height, width)
        if draw.random() < 0.3:  # As where some can't be read: the others take up their places.
            kept = np.flatnonzero(draw.integers(3, size=len(pairs)))
            pairs = Subset(pairs, kept if len(kept) else [0])
        return [Side(pairs, 0), Side(pairs, 1)], [len(pairs)] * 2
    counts = [int(draw.integers(1, some(draw, (4, 40, 300)))) for _ in range(int(draw.integers(1, 3)))]
    images = 2 if len(counts) == 1 else 1
    return [Numbered(count, images, height, width) for count in counts], counts


def _numbers(part):
    """The number of each image of a batch [b, h, w, 3] in [-1, 1]."""
    pixels = np.rint((part[:, 0, 0] + 1) * 127.5).astype(int)
    return 256 * pixels[:, 0] + pixels[:, 1]


def _check_passes(shown, sources, count):
    """Each `count` images of a source in a row are all of them."""
    entries = np.cumsum([0, *(source.images for source in sources)])
    for number, images in enumerate(count):
        order = shown[:, entries[number]].reshape(-1)
        for first in range(0, len(order) - images + 1, images):
            if sorted(order[first : first + images]) != list(range(images)):
                raise Finding(f"A pass shows each image once. Received: {order[first : first + images]}")
        for entry in range(entries[number] + 1, entries[number + 1]):
            if not np.array_equal(shown[:, entry].reshape(-1), order):
                raise Finding(f"The images of a stack are shown together. Received: {shown[:, entry]}, {order}")


def _check_apart(shown, count):
    """No batch has both images of a pair, and each pass, of whole batches, shows every image of either side."""
    for step, (one, other) in enumerate(shown):
        if set(one) & set(other):
            raise Finding(f"No image meets its pair. Received: {one} and {other} at step {step} of {count} pairs")
    steps = math.ceil(count / shown.shape[2])
    for first in range(0, len(shown) - steps + 1, steps):
        for side in (0, 1):
            order = shown[first : first + steps, side].reshape(-1)
            if len(set(order)) != count:
                raise Finding(f"A pass shows each of {count} images. Received: {sorted(order)} of side {side}")
