"""Sources: sequences of uint8 stacks [k, h, w, 3], whose k images are transformed alike in training."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from pgtf.data import drawn
from pgtf.data.arrays import read_arrays
from pgtf.data.reading import of_array, read, resized
from pgtf.foundation.errors import ImageError


class Source:
    """A sequence of stacks: uint8 [images, height, width, 3]. labels: one row for each stack, if there are any."""

    images: int
    labels: np.ndarray | None = None
    height: int
    width: int

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> np.ndarray:
        raise NotImplementedError

    def release(self) -> None:
        """Frees the memory of cached stacks."""


class Images(Source):
    """Single images in files: stacks of one."""

    images = 1

    def __init__(self, paths: Sequence[str], height: int, width: int):
        self.paths, self.height, self.width = paths, height, width

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return resized(read(self.paths[index]), self.height, self.width)[None]


ODD_WIDTH = "A pair is two images side by side, so the file's width must be even. Received: "


class Pairs(Images):
    """Pairs of images side by side in a file: stacks of (input, target)."""

    images = 2

    def __init__(self, paths: Sequence[str], height: int, width: int, flipped: bool = False):
        super().__init__(paths, height, width)
        self.flipped = flipped

    def __getitem__(self, index: int) -> np.ndarray:
        image = read(self.paths[index])
        half, odd = divmod(image.shape[1], 2)
        if odd:
            raise ImageError(f"{ODD_WIDTH}{self.paths[index]!r}, {image.shape[1]} px wide")
        sides = (image[:, half:], image[:, :half]) if self.flipped else (image[:, :half], image[:, half:])
        return np.stack([resized(side, self.height, self.width) for side in sides])


class FilePairs(Images):
    """Pairs of images in two files: stacks of (input, target)."""

    images = 2

    def __init__(self, paths: Sequence[str], targets: Sequence[str], height: int, width: int, flipped: bool = False):
        super().__init__(paths, height, width)
        self.pairs = list(zip(targets, paths) if flipped else zip(paths, targets))

    def __getitem__(self, index: int) -> np.ndarray:
        return np.stack([resized(read(path), self.height, self.width) for path in self.pairs[index]])


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

    def __getitem__(self, index: int) -> np.ndarray:
        pair = drawn.draw(self.task, self.first + index, max(self.height, self.width), self.seed)
        return np.stack([resized(side, self.height, self.width) for side in (pair[::-1] if self.flipped else pair)])


class DrawnSingles(Drawn):
    """`count` drawn labelled images, from number `first` on: stacks of one."""

    images = 1

    def __getitem__(self, index: int) -> np.ndarray:
        image = drawn.draw_labelled(self.task, self.first + index, max(self.height, self.width), self.seed)
        return resized(image, self.height, self.width)[None]


class DrawnUnlabelled(Drawn):
    """`count` drawn images without labels, from number `first` on: stacks of one."""

    images = 1

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

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> np.ndarray:
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

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> np.ndarray:
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

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.source[self.indices[index]]

    def release(self) -> None:
        self.source.release()


class Cached(Source):
    """A source that caches the stacks that are read first, up to `limit` bytes."""

    def __init__(self, source: Source, limit: int):
        self.source = source
        self.images, self.height, self.width = source.images, source.height, source.width
        self._limit = limit
        self._held: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> np.ndarray:
        held = self._held.get(index)
        if held is not None:
            return held
        stack = self.source[index]
        with self._lock:
            if index not in self._held and self._limit >= stack.nbytes:
                self._limit -= stack.nbytes
                self._held[index] = stack
        return stack

    def release(self) -> None:
        """Frees the memory. TensorFlow may keep the source itself alive until the process ends."""
        with self._lock:
            self._limit, self._held = 0, {}
