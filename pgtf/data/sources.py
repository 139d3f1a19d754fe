"""Sources: sequences of stacks of k images, which are transformed alike in training.

An image is uint8 RGB [h, w, 3], or float32 [h, w, c] in [-1, 1]. A stack is an array [k, h, w, c] if its images are
alike in channels and type, else a tuple of k arrays.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

Stack = Any  # np.ndarray or tuple[np.ndarray, ...]
Format = tuple[int, str]  # (channels, type) of an image.
RGB_FORMAT: Format = (3, "uint8")


class Source:
    """A sequence of stacks of `images` images, all of one size. labels: a row for each stack, if there are any."""

    images: int
    labels: np.ndarray | None = None
    height: int
    width: int

    @property
    def formats(self) -> tuple[Format, ...]:
        """(channels, type) of each image of a stack. Default: RGB."""
        return (RGB_FORMAT,) * self.images

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> Stack:
        raise NotImplementedError

    def release(self) -> None:
        """Frees the memory of cached stacks."""


def stacked(images: Sequence[np.ndarray]) -> Stack:
    """Returns images as one array if they have the same shape and type, else as a tuple."""
    alike = len({(image.shape, image.dtype) for image in images}) == 1
    return np.stack(images) if alike else tuple(images)


class View(Source):
    """The stacks of another source; a base class."""

    def __init__(self, source: Source):
        self.source = source
        self.images, self.height, self.width = source.images, source.height, source.width

    @property
    def formats(self) -> tuple[Format, ...]:
        return self.source.formats

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Stack:
        return self.source[index]

    def release(self) -> None:
        self.source.release()


class Side(View):
    """One side of pairs: stacks of one."""

    def __init__(self, pairs: Source, side: int):
        super().__init__(pairs)
        self.images, self.side = 1, side

    @property
    def formats(self) -> tuple[Format, ...]:
        return self.source.formats[self.side : self.side + 1]

    def __getitem__(self, index: int) -> Stack:
        return self.source[index][self.side : self.side + 1]


class Labelled(View):
    """Stacks of a source, each with a label."""

    def __init__(self, source: Source, labels: np.ndarray):
        if len(labels) != len(source):
            raise ValueError(f"Each image must have a label. Received: {len(labels)} for {len(source)} images")
        super().__init__(source)
        self.labels = labels


class Subset(View):
    """A subset of a source's stacks, by index."""

    def __init__(self, source: Source, indices: Sequence[int]):
        super().__init__(source)
        self.indices = indices
        self.labels = None if source.labels is None else source.labels[list(indices)]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Stack:
        return self.source[self.indices[index]]


class Cached(View):
    """A source that caches the stacks that are read first, up to `limit` bytes."""

    def __init__(self, source: Source, limit: int):
        super().__init__(source)
        self._limit = limit
        self._held: dict[int, Stack] = {}
        self._lock = threading.Lock()

    def __getitem__(self, index: int) -> Stack:
        held = self._held.get(index)
        if held is not None:
            return held
        stack = self.source[index]
        with self._lock:
            size = sum(image.nbytes for image in stack)
            if index not in self._held and self._limit >= size:
                self._limit -= size
                self._held[index] = stack
        return stack

    def release(self) -> None:
        """Frees the memory. TensorFlow may keep the source itself alive until the process ends."""
        with self._lock:
            self._limit, self._held = 0, {}


def examples(sources: Sequence[Source], most: int) -> list[list[np.ndarray]]:
    """Returns the first examples of a task, grouped by their entry in a batch: [inputs, targets], or [images, labels].

    Args:
      sources: The task's sources. A stack of k images gives k entries; labels, if there are any, give one more.
      most: Maximum number of examples.
    """
    count = min(most, *(len(source) for source in sources))
    entries: list[list[np.ndarray]] = []
    for source in sources:
        stacks = [source[place] for place in range(count)]
        entries += [[stack[number] for stack in stacks] for number in range(source.images)]
        if source.labels is not None:
            entries.append(list(source.labels[:count]))
    return entries
