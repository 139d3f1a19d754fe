"""Sources: sequences of stacks of k images, which are transformed alike in training.

An image is uint8 RGB [h, w, 3], or float32 [h, w, c] in [-1, 1]. A stack is an array [k, h, w, c] if its images are
alike in channels and type, else a tuple of k arrays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pgtf.data import drawn
from pgtf.data.arrays import read_arrays
from pgtf.data.reader import Reader
from pgtf.data.reading import of_array, read, resized
from pgtf.foundation.errors import ImageError

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


class Images(Source):
    """Single images in files: stacks of one.

    Args:
      paths: The files.
      height, width: Size that images are resized to.
      read: path -> image. Default: RGB.
    """

    images = 1

    def __init__(self, paths: Sequence[str], height: int, width: int, read: Callable[[str], np.ndarray] = read):
        self.paths, self.height, self.width, self.read = paths, height, width, read

    @property
    def formats(self) -> tuple[Format, ...]:
        return (_format(self.read),)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return resized(self.read(self.paths[index]), self.height, self.width)[None]


def _format(read: Callable) -> Format:
    return read.format if isinstance(read, Reader) else RGB_FORMAT


ODD_WIDTH = "A pair is two images side by side, so the file's width must be even. Received: "


class Pairs(Source):
    """Pairs of images side by side in a file: stacks of (input, target).

    Args:
      paths: The files.
      height, width: Size that images are resized to.
      flipped: Whether the input is on the right. Default: False.
      readers: Functions path -> image of inputs and of targets. Default: RGB.
    """

    images = 2

    def __init__(
        self,
        paths: Sequence[str],
        height: int,
        width: int,
        flipped: bool = False,
        readers: tuple[Callable, Callable] = (read, read),
    ):
        self.paths, self.height, self.width, self.flipped, self.readers = paths, height, width, flipped, readers

    @property
    def formats(self) -> tuple[Format, ...]:
        return tuple(map(_format, self.readers))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Stack:
        path, (read_input, read_target) = self.paths[index], self.readers
        image = read_input(path)
        other = image if read_target is read_input else read_target(path)
        half, odd = divmod(image.shape[1], 2)
        if odd:
            raise ImageError(f"{ODD_WIDTH}{path!r}, {image.shape[1]} px wide")
        sides = (image[:, half:], other[:, :half]) if self.flipped else (image[:, :half], other[:, half:])
        return stacked([resized(side, self.height, self.width) for side in sides])


class FilePairs(Pairs):
    """Pairs of images in two files: stacks of (input, target). `targets` are the files of the second folder."""

    def __init__(
        self,
        paths: Sequence[str],
        targets: Sequence[str],
        height: int,
        width: int,
        flipped: bool = False,
        readers: tuple[Callable, Callable] = (read, read),
    ):
        super().__init__(paths, height, width, flipped, readers)
        self.pairs = list(zip(targets, paths) if flipped else zip(paths, targets))

    def __getitem__(self, index: int) -> Stack:
        sides = [read_one(path) for read_one, path in zip(self.readers, self.pairs[index])]
        return stacked([resized(side, self.height, self.width) for side in sides])


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


class ArrayImages(Images):
    """Single images of a .npz file: stacks of one. paths: [file]."""

    def __len__(self) -> int:
        return len(read_arrays(self.paths[0])[0])

    def __getitem__(self, index: int) -> np.ndarray:
        return resized(of_array(read_arrays(self.paths[0])[0][index]), self.height, self.width)[None]


class Side(Source):
    """One side of pairs: stacks of one."""

    images = 1

    def __init__(self, pairs: Source, side: int):
        self.pairs, self.side = pairs, side
        self.height, self.width = pairs.height, pairs.width

    @property
    def formats(self) -> tuple[Format, ...]:
        return self.pairs.formats[self.side : self.side + 1]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Stack:
        return self.pairs[index][self.side : self.side + 1]

    def release(self) -> None:
        self.pairs.release()


class Labelled(Source):
    """Stacks of a source, each with a label."""

    def __init__(self, source: Source, labels: np.ndarray):
        if len(labels) != len(source):
            raise ValueError(f"Each image must have a label. Received: {len(labels)} for {len(source)} images")
        self.source, self.labels = source, labels
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


def examples(sources: Sequence[Source], most: int) -> list[list[np.ndarray]]:
    """Returns the first examples of a task, at most so many: for each entry of a batch the list of its arrays.

    Entries are the images of each source's stacks, each followed by its source's labels if it has some.
    """
    count = min(most, *(len(source) for source in sources))
    entries: list[list[np.ndarray]] = []
    for source in sources:
        stacks = [source[place] for place in range(count)]
        entries += [[stack[number] for stack in stacks] for number in range(source.images)]
        if source.labels is not None:
            entries.append(list(source.labels[:count]))
    return entries


class Subset(Source):
    """A subset of a source's stacks, by index."""

    def __init__(self, source: Source, indices: Sequence[int]):
        self.source, self.indices = source, indices
        self.images, self.height, self.width = source.images, source.height, source.width
        self.labels = None if source.labels is None else source.labels[list(indices)]

    @property
    def formats(self) -> tuple[Format, ...]:
        return self.source.formats

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Stack:
        return self.source[self.indices[index]]

    def release(self) -> None:
        self.source.release()


class Cached(Source):
    """A source that caches the stacks that are read first, up to `limit` bytes."""

    def __init__(self, source: Source, limit: int):
        self.source = source
        self.images, self.height, self.width = source.images, source.height, source.width
        self._limit = limit
        self._held: dict[int, Stack] = {}
        self._lock = threading.Lock()

    @property
    def formats(self) -> tuple[Format, ...]:
        return self.source.formats

    def __len__(self) -> int:
        return len(self.source)

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
