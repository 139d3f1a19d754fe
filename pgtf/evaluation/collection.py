"""Images for measuring a task."""

import concurrent.futures
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pgtf.data.manifest import ImageFiles, LabelledArrays, PairedFiles, Part
from pgtf.data.prefetch import prefetch
from pgtf.data.sources import Side, Source, Subset
from pgtf.data.task_data import TaskData
from pgtf.foundation.files import sha256
from pgtf.foundation.seeds import seed_of
from pgtf.metrics.hashes import files_sha256, images_sha256
from pgtf.metrics.measurements import ImageSet

WORKERS = 2


@dataclasses.dataclass(frozen=True)
class Collection:
    """The images of one side of a task's split, with their identity."""

    source: Source
    image_set: ImageSet

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[np.ndarray]:
        return read(self.source)

    @property
    def labels(self) -> np.ndarray:
        """The labels of the images, one each."""
        if self.source.labels is None:
            raise ValueError(f"The images must have labels. Received: {self.image_set.split!r} without")
        return self.source.labels

    def images(self) -> np.ndarray:
        """uint8 RGB, or float32 in [-1, 1], [n, h, w, c]."""
        return np.stack(list(self))


def read(source: Source) -> Iterator[np.ndarray]:
    """Yields the single images of a source in order. Threads read ahead."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for _, reading in prefetch(pool, source.__getitem__, range(len(source)), 8 * WORKERS):
            yield reading.result()[0]


def sides(data: TaskData, split: str, *, flipped: bool = False, limit: int = 0) -> tuple[Collection, Collection]:
    """Returns the inputs and the targets of one split.

    Args:
      data: The task's data.
      split: "test", "validation" or "train".
      flipped: Whether the task goes from B to A, so that a pair's input is its right half.
      limit: Number of images. Default: all.

    Returns:
      Two collections. In paired tasks, image i of one belongs to image i of the other. Labelled images are both.
    """
    first, second = sides_of(data, split)
    names = [name for name in data.sources if name.startswith(split)]
    if first is second:
        names, parts = [*names, *names], ("whole", "whole")
    elif len(names) == 2:
        parts = "whole", "whole"
    elif isinstance(data.manifest.parts[names[0]], PairedFiles):
        names, parts = [*names, *names], ("target", "input") if flipped else ("input", "target")
    else:
        names, parts = [*names, *names], ("right half", "left half") if flipped else ("left half", "right half")
    return (
        _collection(data, names[0], first, parts[0], limit),
        _collection(data, names[1], second, parts[1], limit),
    )


def sides_of(data: TaskData, split: str) -> tuple[Source, Source]:
    """Returns the sources of the single inputs and of the single targets of a split."""
    found = [source for name, source in data.sources.items() if name.startswith(split)]
    if found[0].images == len(found) == 1:  # Of classes, or without a partner.
        return found[0], found[0]
    return (found[0], found[1]) if len(found) == 2 else (Side(found[0], 0), Side(found[0], 1))


def has_test(data: TaskData) -> bool:
    """Returns whether a task has images that it does not learn from."""
    return data.test_split != "train"


def refuse_untested(tasks: Mapping[str, TaskData], split: str = "test") -> None:
    """Raises ValueError for tasks without test images, or without a validation split if that is wanted."""
    if split == "validation":
        without = [name for name, data in tasks.items() if data.choosing_split != split]
        if without:
            raise ValueError(
                "Tasks have no validation split, because they were not learned with --validation. Use test images: "
                f"pgtf evaluate --split=test. Received: none for {', '.join(without)}"
            )
        return
    untested = [name for name, data in tasks.items() if not has_test(data)]
    if untested:
        raise ValueError(
            "Tasks have no images that training does not learn from, in test or val. To measure on training images: "
            f"pgtf evaluate --split=train. Received: neither for {', '.join(untested)}"
        )


def choice(count: int, limit: int) -> Sequence[int]:
    """Returns a random subset of at most `limit` of `count` indices, sorted. 0 means all.

    Not the first ones, because neighbouring files are alike.
    """
    if not limit or limit >= count:
        return range(count)
    # The same for every run. A smaller subset is contained in a larger one.
    order = np.random.default_rng(seed_of("evaluation", "choice")).permutation(count)
    return sorted(int(index) for index in order[:limit])


def _collection(data: TaskData, name: str, source: Source, part: str, limit: int) -> Collection:
    if not len(source):
        raise ValueError(f"The split holds no images. Received: {name} of {data.name}")
    if limit > len(source):
        raise ValueError(
            "Every task must have at least --limit images, because values are compared at equal n. Set a smaller one. "
            f"Received: --limit={limit}, where {name} of {data.name} has {len(source)}"
        )
    chosen = choice(len(source), limit)
    source = Subset(source, chosen)
    split, identity = _identity(name, data.manifest.parts[name], source, chosen, part)
    return Collection(source, ImageSet(split, len(source), (source.height, source.width), part, identity))


def _identity(name: str, part: Part, source: Source, chosen: Sequence[int], half: str) -> tuple[str, str]:
    """Returns (split, sha256) of an ImageSet. half: The part of each pair that is in it."""
    if not isinstance(part, ImageFiles):
        return f"drawn {name}", images_sha256(list(read(source)))
    if isinstance(part, LabelledArrays):  # Names hold checksums.
        names = [part.kept[index] for index in chosen]
        return os.path.basename(part.folder), sha256("\n".join(names).encode())
    files = part.only(part.kept)
    paths = files.target_paths if half == "target" else files.paths
    split = name if name.startswith("validation") else os.path.basename(part.folder)
    return split, files_sha256([paths[index] for index in chosen])
