"""A task's name to its images: real folders, or drawn stand-ins."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping

from pgtf.data import drawn
from pgtf.data.layouts import Layout, layout_of
from pgtf.data.manifest import DrawnImages, ImageFiles, Manifest, PairedFiles, is_held_out
from pgtf.data.reading import is_unread_image_name
from pgtf.data.sources import Cached, Drawn, FilePairs, Images, Pairs
from pgtf.data.task_data import TaskData

# Drawn tests begin here in the endless row of drawn images, so that no training image is among them.
DRAWN_TEST, DRAWN_TESTS = 1_000_000, 20
DRAWN_VALIDATION = 2_000_000


@dataclasses.dataclass(frozen=True)
class Finder:
    """Finds the data of tasks by name.

    paired: Whether pairs are used as pairs. validation: The share of training images that are held out.
    """

    data_dir: str
    paired: bool
    test_size: tuple[int, int]  # (height, width) that test images are resized to
    train_size: tuple[int, int]  # (height, width) that training images are resized to, before they are cropped
    seed: int = 0
    drawn_images: int = 400
    cache_bytes: int = 2**31
    validation: float = 0.0

    def __call__(self, task: str, flipped: bool = False) -> TaskData:
        """The data of a task; flipped: from B to A."""
        if not self.data_dir:
            return self._drawn(task, flipped)
        folder = self._folder(task)
        layout = layout_of(folder, self.paired)
        shown = next((split for split in ("test", "val") if layout.has(folder, split)), "train")
        train, test = (_files(layout, folder, split) for split in ("train", shown))
        sources, parts = {}, {}
        for side in sorted(train, reverse=flipped):
            found = {**self._held_out(train[side]), "test": test[side]}
            for split, files in found.items():
                source = self._source(files, side, self.train_size if split == "train" else self.test_size, flipped)
                sources[split + side] = self._cached(source, share=len(train)) if split == "train" else source
                parts[split + side] = files
        return TaskData(task, sources, Manifest(parts), folder, pairs_apart=not self.paired and "" in train)

    def _drawn(self, task, flipped):
        if not drawn.is_drawn(task):
            raise ValueError(f"Without --data_dir a task is one of the drawn ones: {drawn.KNOWN}. Received: {task!r}")
        common = dict(seed=self.seed, flipped=flipped)
        ranges = {"train": (0, self.drawn_images), "test": (DRAWN_TEST, DRAWN_TESTS)}
        if self.validation:
            ranges["validation"] = (DRAWN_VALIDATION, math.ceil(self.validation * self.drawn_images))
        sources, parts = {}, {}
        for split, (first, count) in ranges.items():
            size = self.train_size if split == "train" else self.test_size
            source = Drawn(task, count, *size, first=first, **common)
            sources[split] = self._cached(source) if split == "train" else source
            parts[split] = DrawnImages(task, self.seed, first, count)
        return TaskData(task, sources, Manifest(parts), "drawn", pairs_apart=not self.paired)

    def _held_out(self, files):
        """{"train": files}, and "validation" where some are held out."""
        if not self.validation:
            return {"train": files}
        held_out = [name for name in files.sizes if is_held_out(name, self.validation)]
        parts = {"train": files.only(files.sizes.keys() - held_out), "validation": files.only(held_out)}
        if not all(part.sizes for part in parts.values()):
            raise ValueError(
                "--validation must leave images to learn from and hold out some, by the hash of their names; a larger "
                f"share or more images. Received: --validation={self.validation}, which holds out {len(held_out)} of "
                f"{len(files.sizes)} in {files.folder!r}"
            )
        return parts

    @staticmethod
    def _source(files, side, size, flipped):
        if side:
            return Images(files.paths, *size)
        if isinstance(files, PairedFiles):
            return FilePairs(files.paths, files.target_paths, *size, flipped=flipped)
        return Pairs(files.paths, *size, flipped=flipped)

    def _cached(self, source, share=1):
        return Cached(source, self.cache_bytes // share)

    def _folder(self, task):
        folder = os.path.join(self.data_dir, task)
        if os.path.isdir(folder):
            return folder
        known = ", ".join(sorted(os.listdir(self.data_dir))) if os.path.isdir(self.data_dir) else "no such folder"
        raise FileNotFoundError(
            f"A task's images lie in DATA_DIR/TASK: {folder!r} was looked for. Received: "
            f"--data_dir={self.data_dir!r} ({known}).\nThe pix2pix and CycleGAN data sets are at "
            "https://efrosgans.eecs.berkeley.edu/pix2pix/datasets/ and .../cyclegan/datasets/; "
            f"without --data_dir, tasks are drawn: {', '.join(drawn.TASKS)}."
        )


def _files(layout: Layout, folder: str, split: str) -> Mapping[str, ImageFiles]:
    """The files of a split, some on each side."""
    found = layout.find(folder, split)
    for files in found.values():
        if not files.sizes:
            there = os.listdir(files.folder) if os.path.isdir(files.folder) else []
            unread = sorted(name for name in there if is_unread_image_name(name))
            others = f" but {len(unread)} that pgtf does not read: {', '.join(unread[:3])}" if unread else ""
            raise FileNotFoundError(
                f"A split must hold images (jpg, png, …). Received: {files.folder!r}, which holds none{others}"
            )
    return found
