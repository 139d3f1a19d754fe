"""Where a task's images come from: sequences of uint8 stacks [k, h, w, 3], the same transform for all k."""

import os
import threading

import numpy as np

from pgtf.data import drawn
from pgtf.data.images import ENDINGS, ImageError, read, resized


def image_files(folder):
    """The image files of a folder, sorted."""
    return sorted(
        os.path.join(folder, name)
        for name in os.listdir(folder)
        if name.lower().endswith(ENDINGS) and not name.startswith(".")
    )


class Images:
    """Single images of a folder: stacks of one."""

    images = 1

    def __init__(self, paths, height, width):
        self.paths, self.height, self.width = paths, height, width

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return resized(read(self.paths[index]), self.height, self.width)[None]


class Pairs(Images):
    """Two images side by side in a file: stacks of (input, target)."""

    images = 2

    def __init__(self, paths, height, width, flipped=False):
        super().__init__(paths, height, width)
        self.flipped = flipped

    def __getitem__(self, index):
        image = read(self.paths[index])
        half, odd = divmod(image.shape[1], 2)
        if odd:
            raise ImageError(
                "A pair is two images of one width side by side, so a file's width is even. "
                f"Received: {self.paths[index]}, {image.shape[1]} px wide"
            )
        sides = (image[:, half:], image[:, :half]) if self.flipped else (image[:, :half], image[:, half:])
        return np.stack([resized(side, self.height, self.width) for side in sides])


class Drawn:
    """Pairs that are drawn on the spot, `count` of them."""

    images = 2

    def __init__(self, task, count, height, width, *, seed=0, first=0, flipped=False):
        self.task, self.count, self.height, self.width = task, count, height, width
        self.seed, self.first, self.flipped = seed, first, flipped

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        pair = drawn.draw(self.task, self.first + index, max(self.height, self.width), self.seed)
        return np.stack([resized(side, self.height, self.width) for side in (pair[::-1] if self.flipped else pair)])


class Side:
    """One side of pairs: stacks of one."""

    images = 1

    def __init__(self, pairs, side):
        self.pairs, self.side = pairs, side
        self.height, self.width = pairs.height, pairs.width

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        return self.pairs[index][self.side : self.side + 1]

    @property
    def bad(self):
        return self.pairs.bad

    def forget(self):
        self.pairs.forget()


class Cached:
    """A sequence that remembers its first `limit` bytes, and what to do about images that can't be read."""

    def __init__(self, sequence, limit, skip_bad=False):
        self.sequence, self.skip_bad = sequence, skip_bad
        self.images, self.height, self.width = sequence.images, sequence.height, sequence.width
        self.bad = {}  # index: error, of those skipped.
        self._limit, self._held = limit, {}
        self._lock = threading.Lock()

    def __len__(self):
        return len(self.sequence)

    def __getitem__(self, index):
        """The image at index; where it can't be read and that is allowed, the next one that can."""
        for offset in range(len(self)):
            turn = (index + offset) % len(self)
            held = self._held.get(turn)
            if held is not None:
                return held
            if turn in self.bad:
                continue
            try:
                image = self.sequence[turn]
            except ImageError as error:
                if not self.skip_bad:
                    raise
                self.bad[turn] = error
                continue
            with self._lock:
                if turn not in self._held and self._limit >= image.nbytes:
                    self._limit -= image.nbytes
                    self._held[turn] = image
            return image
        raise ImageError(f"At least one image must be readable. Received: {len(self)}, none of them is")

    def forget(self):
        """Frees the memory; TensorFlow may hold on to the sequence itself for as long as the process lives."""
        with self._lock:
            self._limit, self._held = 0, {}
