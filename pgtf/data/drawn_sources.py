"""Sources of drawn images: each is drawn when it is read."""

from __future__ import annotations

import numpy as np

from pgtf.data import drawn
from pgtf.data.rgb_images import resized
from pgtf.data.sources import RGB_FORMAT, Format, Source, Stack, stacked


class Drawn(Source):
    """`count` drawn pairs, from number `first` on; each is drawn when it is read."""

    images = 2

    def __init__(
        self,
        task: str,
        count: int,
        height: int,
        width: int,
        *,
        seed: int = 0,
        first: int = 0,
        flipped: bool = False,
    ):
        self.task, self.count, self.height, self.width = task, count, height, width
        self.seed, self.first, self.flipped = seed, first, flipped

    def __len__(self) -> int:
        return self.count

    @property
    def formats(self) -> tuple[Format, ...]:
        return tuple((one.channels, "uint8" if one.is_rgb else "float32") for one in self._pixels)

    @property
    def _pixels(self):
        pixels = drawn.pixels_of(self.task)
        return pixels[::-1] if self.flipped else pixels

    def __getitem__(self, index: int) -> Stack:
        pair = drawn.draw(self.task, self.first + index, max(self.height, self.width), self.seed)
        sides = [one.scaled(side) for one, side in zip(self._pixels, pair[::-1] if self.flipped else pair)]
        return stacked([resized(side, self.height, self.width) for side in sides])


class DrawnSingles(Drawn):
    """`count` drawn labelled images, from number `first` on: stacks of one."""

    images = 1

    @property
    def formats(self) -> tuple[Format, ...]:
        return (RGB_FORMAT,)

    def __getitem__(self, index: int) -> np.ndarray:
        image = drawn.draw_labelled(self.task, self.first + index, max(self.height, self.width), self.seed)
        return resized(image, self.height, self.width)[None]


class DrawnUnlabelled(DrawnSingles):
    """`count` drawn images without labels, from number `first` on: stacks of one."""

    def __getitem__(self, index: int) -> np.ndarray:
        image = drawn.draw_single(self.task, self.first + index, max(self.height, self.width), self.seed)
        return resized(image, self.height, self.width)[None]
