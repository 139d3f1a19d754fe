"""Sources that read files: single images, pairs side by side or in two files, arrays of many images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pgtf.data.arrays import read_arrays
from pgtf.data.image_reader import ImageReader
from pgtf.data.rgb_images import of_array, read, resized
from pgtf.data.sources import RGB_FORMAT, Format, Source, Stack, stacked
from pgtf.foundation.errors import ImageError

ODD_WIDTH = "A pair is two images side by side, so the file's width must be even. Received: "


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


class ArrayImages(Images):
    """Single images of a .npz file: stacks of one. paths: [file]."""

    def __len__(self) -> int:
        return len(read_arrays(self.paths[0])[0])

    def __getitem__(self, index: int) -> np.ndarray:
        return resized(of_array(read_arrays(self.paths[0])[0][index]), self.height, self.width)[None]


def _format(read: Callable) -> Format:
    return read.format if isinstance(read, ImageReader) else RGB_FORMAT
