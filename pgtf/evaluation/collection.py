"""The images that a task is measured on."""

import concurrent.futures
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pgtf.data.manifest import ImageFiles, PairedFiles, Part
from pgtf.data.prefetch import prefetch
from pgtf.data.sources import Side, Source, Subset
from pgtf.data.task_data import TaskData
from pgtf.foundation.seeds import seed_of
from pgtf.metrics.hashes import files_sha256, images_sha256
from pgtf.metrics.measurements import ImageSet

WORKERS = 2


@dataclasses.dataclass(frozen=True)
class Collection:
    """Images of one side of a task's split: where they come from, and which they are."""

    source: Source
    image_set: ImageSet

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[np.ndarray]:
        return read(self.source)

    def images(self) -> np.ndarray:
        """uint8 [n, h, w, 3]."""
        return np.stack(list(self))


def read(source: Source) -> Iterator[np.ndarray]:
    """The single images of a source, uint8 [h, w, 3] in order, read ahead by threads."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for _, reading in prefetch(pool, source.__getitem__, range(len(source)), 8 * WORKERS):
            yield reading.result()[0]


def sides(data: TaskData, split: str, *, flipped: bool = False, limit: int = 0) -> tuple[Collection, Collection]:
    """The inputs and the targets of one split.

    Args:
      data: The task's.
      split: "test", "validation" or "train".
      flipped: Whether the task goes from B to A, so that a pair's input is its right half.
      limit: How many images; all of them unless told.

    Returns:
      Two collections; image i of the one belongs to image i of the other where the task has pairs.
    """
    first, second = sides_of(data, split)
    names = [name for name in data.sources if name.startswith(split)]
    if len(names) == 2:
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
    """Sources of the single inputs and of the single targets of a split."""
    found = [source for name, source in data.sources.items() if name.startswith(split)]
    return (found[0], found[1]) if len(found) == 2 else (Side(found[0], 0), Side(found[0], 1))


def has_test(data: TaskData) -> bool:
    """Whether a task has images that it does not learn from."""
    return data.test_split != "train"


def refuse_untested(tasks: Mapping[str, TaskData], split: str = "test") -> None:
    """Refuses to measure tasks on the images that they learn from, or on a validation split that they don't have."""
    if split == "validation":
        without = [name for name, data in tasks.items() if data.choosing_split != split]
        if without:
            raise ValueError(
                "A task has a validation split if it is learnt with --validation; pgtf evaluate --split=test "
                f"takes test images. Received: none for {', '.join(without)}"
            )
        return
    untested = [name for name, data in tasks.items() if not has_test(data)]
    if untested:
        raise ValueError(
            "A task is measured on images that it does not learn from, in test or val; only pgtf evaluate "
            f"--split=train takes those of training. Received: neither for {', '.join(untested)}"
        )


def choice(count: int, limit: int) -> Sequence[int]:
    """At most `limit` of `count` indices, sorted: neighbours are alike, so not the first. 0 means all."""
    if not limit or limit >= count:
        return range(count)
    # The same for every run; a smaller choice is part of a larger one.
    order = np.random.default_rng(seed_of("evaluation", "choice")).permutation(count)
    return sorted(int(index) for index in order[:limit])


def _collection(data: TaskData, name: str, source: Source, part: str, limit: int) -> Collection:
    if not len(source):
        raise ValueError(f"A split holds images. Received: {name} of {data.name}, without any")
    if limit > len(source):
        raise ValueError(
            "Figures are compared at equal n, so every task has as many images as asked for; without a limit all are "
            f"taken. Received: limit={limit}, where {name} of {data.name} has {len(source)}"
        )
    chosen = choice(len(source), limit)
    source = Subset(source, chosen)
    split, sha256 = _identity(name, data.manifest.parts[name], source, chosen, part)
    return Collection(source, ImageSet(split, len(source), (source.height, source.width), part, sha256))


def _identity(name: str, part: Part, source: Source, chosen: Sequence[int], half: str) -> tuple[str, str]:
    """(split, sha256) of an ImageSet; half: the part of each pair that is in it."""
    if not isinstance(part, ImageFiles):
        return f"drawn {name}", images_sha256(list(read(source)))
    files = part.only(part.kept)
    paths = files.target_paths if half == "target" else files.paths
    split = name if name.startswith("validation") else os.path.basename(part.folder)
    return split, files_sha256([paths[index] for index in chosen])
