"""Finder: maps a task's name to its images, in a folder or drawn."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping

import numpy as np

from pgtf.data import drawn, tree
from pgtf.data.drawn_sources import Drawn, DrawnSingles, DrawnUnlabelled
from pgtf.data.file_sources import ArrayImages, FilePairs, Images, Pairs
from pgtf.data.image_reader import ImageReader
from pgtf.data.labels import class_indices, classes_of
from pgtf.data.layouts import LAYOUTS, Layout, layout_of
from pgtf.data.manifest import (
    DrawnImages,
    ImageFiles,
    LabelledArrays,
    Manifest,
    PairedFiles,
    Part,
    is_held_out,
    split_of,
)
from pgtf.data.pixels import RGB, Pixels, RequestedPixels
from pgtf.data.rgb_images import advice, is_unread_image_name
from pgtf.data.sources import Cached, Labelled, Source, Subset
from pgtf.data.task_data import TaskData

# Numbers of the first drawn test and validation images, far from the training images, which start at 0.
DRAWN_TEST, DRAWN_TESTS = 1_000_000, 20
DRAWN_VALIDATION = 2_000_000
DRAWN_LABELLED_TESTS = 200


@dataclasses.dataclass(frozen=True)
class Finder:
    """Finds the data of tasks by name.

    Args:
      data_dir: Folder with a folder for each task; "" to draw the images.
      batch: Kind of the training data, a row of `layouts.LAYOUTS`.
      test_size: (height, width) that test images are resized to.
      train_size: (height, width) that training images are resized to, before they are cropped.
      seed: Seed of drawn images. Default: 0.
      drawn_images: Number of drawn training images. Default: 400.
      drawn_tests: Number of drawn test images. Default: 20 pairs, or 200 single images.
      cache_bytes: Most bytes of training images that are cached. Default: 2 GiB.
      validation: Fraction of training images that are held out. Default: 0.
      pixels: (pixels of inputs, pixels of targets): `Pixels` that a task recorded, or `RequestedPixels`, completed from
        the files. Default: RGB. Labelled images are always RGB.
    """

    data_dir: str
    batch: str
    test_size: tuple[int, int]
    train_size: tuple[int, int]
    seed: int = 0
    drawn_images: int = 400
    drawn_tests: int | None = None
    cache_bytes: int = 2**31
    validation: float = 0.0
    pixels: tuple[RequestedPixels | Pixels, RequestedPixels | Pixels] = (RGB, RGB)

    def __call__(self, task: str, flipped: bool = False) -> TaskData:
        """Returns the data of a task; flipped: whether to translate from B to A."""
        if self.batch not in LAYOUTS:
            raise ValueError(f"Images can be found as {' or '.join(LAYOUTS)}. Received: {self.batch!r} for {task!r}")
        if not self.data_dir:
            return self._drawn(task, flipped)
        folder = self._folder(task)
        layout = layout_of(folder, self.batch)
        shown = next((split for split in ("test", "val") if layout.has(folder, split)), "train")
        train, test = (_files(layout, folder, split) for split in ("train", shown))
        if self.batch == "labelled":
            return self._labelled(task, folder, layout, train[""], test[""])
        if self.batch == "images":
            return self._images(task, folder, train[""], test[""])
        held = {side: self._held_out(train[side]) for side in sorted(train, reverse=flipped)}
        readers = self._readers([found["train"] for found in held.values()], flipped)
        sources, parts = {}, {}
        for place, (side, found) in enumerate(held.items()):
            for split, files in {**found, "test": test[side]}.items():
                size = self.train_size if split == "train" else self.test_size
                source = self._source(files, size, flipped, readers if not side else readers[place : place + 1])
                sources[split + side] = self._cached(source, share=len(train)) if split == "train" else source
                parts[split + side] = files
        apart = self.batch == "unpaired" and "" in train
        return TaskData(task, sources, Manifest(parts), folder, pairs_apart=apart, readers=readers)

    def _readers(self, train, flipped):
        """Returns the readers of inputs and of targets. train: [pairs], or [inputs, targets]."""
        if len(train) == 1 and not isinstance(train[0], PairedFiles) and self.pixels[0] == self.pixels[1]:
            return (ImageReader.of(self.pixels[0], train[0].paths),) * 2
        paths = [train[0].paths, train[0].target_paths] if len(train) == 1 else [files.paths for files in train]
        if len(train) == 1 and flipped:
            paths.reverse()
        first, second = map(ImageReader.of, self.pixels, paths)
        return first, second

    def _labelled(self, task, folder, layout, train, test):
        """Finds labelled images. A folder `val` beside `test` is the validation split; else it is held out."""
        has_validation = split_of(test.folder) == "test" and layout.has(folder, "val")
        own = {"train": train, "validation": _files(layout, folder, "val")[""]} if has_validation else None
        parts = {**(own or self._held_out(train)), "test": test}
        classes = classes_of(task, {"train": train, **parts})
        sources: dict[str, Source] = {}
        for split, files in parts.items():
            size = self.train_size if split == "train" else self.test_size
            arrays = isinstance(files, LabelledArrays)
            source: Source = ArrayImages([files.folder], *size) if arrays else Images(files.paths, *size)
            if arrays and files.sizes.keys() != files.labels.keys():  # Some are held out.
                places = {name: place for place, name in enumerate(files.labels)}
                source = Subset(source, [places[name] for name in files.sizes])
            source = self._cached(source) if split == "train" else source
            sources[split] = Labelled(source, class_indices(files, classes))
        return TaskData(task, sources, Manifest(parts), folder, labels=classes)

    def _images(self, task, folder, train, test):
        """Finds images without labels."""
        parts = {**self._held_out(train), "test": test}
        sources: dict[str, Source] = {}
        for split, files in parts.items():
            source = Images(files.paths, *(self.train_size if split == "train" else self.test_size))
            sources[split] = self._cached(source) if split == "train" else source
        return TaskData(task, sources, Manifest(parts), folder)

    def _drawn(self, task, flipped):
        if self.batch == "labelled":
            return self._drawn_labelled(task)
        if self.batch == "images":
            return self._drawn_images(task)
        if not drawn.is_drawn(task):
            raise ValueError(f"Without --data_dir a task must be a drawn one: {drawn.KNOWN}. Received: {task!r}")
        sources: dict[str, Source] = {}
        parts: dict[str, Part] = {}
        for split, (first, count) in self._drawn_ranges(DRAWN_TESTS).items():
            size = self.train_size if split == "train" else self.test_size
            source = Drawn(task, count, *size, first=first, seed=self.seed, flipped=flipped)
            sources[split] = self._cached(source) if split == "train" else source
            parts[split] = DrawnImages(task, self.seed, first, count)
        pixels = drawn.pixels_of(task)[:: -1 if flipped else 1]
        for side, asked, own in zip(("input", "output"), self.pixels, pixels):
            if isinstance(asked, RequestedPixels) and (asked.range or asked.channels not in (0, own.channels)):
                raise ValueError(
                    f"A drawn task has channels and values of its own: leave out --{side}_channels and --{side}_range, "
                    f"or name a --data_dir. Received: {asked.channels} channels, range {asked.range!r} for {task}, "
                    f"which has {own.channels} channels"
                )
        readers = ImageReader(pixels[0]), ImageReader(pixels[1])
        return TaskData(task, sources, Manifest(parts), "drawn", pairs_apart=self.batch == "unpaired", readers=readers)

    def _drawn_labelled(self, task):
        if task not in drawn.LABELLED:
            raise ValueError(
                f"Without --data_dir a task must be a drawn one: {', '.join(drawn.LABELLED)}. Received: {task!r}"
            )
        classes = drawn.LABELLED[task].classes
        sources: dict[str, Source] = {}
        parts: dict[str, Part] = {}
        for split, (first, count) in self._drawn_ranges(DRAWN_LABELLED_TESTS).items():
            size = self.train_size if split == "train" else self.test_size
            source = DrawnSingles(task, count, *size, first=first, seed=self.seed)
            labels = np.array([drawn.label_of(task, first + place) for place in range(count)], "int32")
            sources[split] = Labelled(self._cached(source) if split == "train" else source, labels)
            parts[split] = DrawnImages(task, self.seed, first, count)
        return TaskData(task, sources, Manifest(parts), "drawn", labels=classes)

    def _drawn_images(self, task):
        if not drawn.is_single(task):
            known = f"{', '.join(drawn.SINGLES)}, {drawn.KNOWN}"
            raise ValueError(f"Without --data_dir a task must be a drawn one: {known}. Received: {task!r}")
        sources: dict[str, Source] = {}
        parts: dict[str, Part] = {}
        for split, (first, count) in self._drawn_ranges(DRAWN_LABELLED_TESTS).items():
            size = self.train_size if split == "train" else self.test_size
            source = DrawnUnlabelled(task, count, *size, first=first, seed=self.seed)
            sources[split] = self._cached(source) if split == "train" else source
            parts[split] = DrawnImages(task, self.seed, first, count)
        return TaskData(task, sources, Manifest(parts), "drawn")

    def _drawn_ranges(self, tests):
        """Returns {split: (first number, count)} of drawn examples. tests: Default of `drawn_tests`."""
        tests = tests if self.drawn_tests is None else self.drawn_tests
        ranges = {"train": (0, self.drawn_images), "test": (DRAWN_TEST, tests)}
        if self.validation:
            ranges["validation"] = (DRAWN_VALIDATION, math.ceil(self.validation * self.drawn_images))
        return ranges

    def _held_out(self, files):
        """Returns {"train": files}, and "validation" if files are held out."""
        if not self.validation:
            return {"train": files}
        held_out = [name for name in files.sizes if is_held_out(name, self.validation)]
        parts = {"train": files.only(files.sizes.keys() - held_out), "validation": files.only(held_out)}
        if not all(part.sizes for part in parts.values()):
            raise ValueError(
                "--validation must hold out some images and leave some to train on (images are chosen by the hash of "
                "their names). Use another fraction or more images. "
                f"Received: --validation={self.validation}, which holds out {len(held_out)} of "
                f"{len(files.sizes)} in {files.folder!r}"
            )
        return parts

    @staticmethod
    def _source(files, size, flipped, readers):
        height, width = size
        if len(readers) == 1:
            return Images(files.paths, height, width, readers[0])
        if isinstance(files, PairedFiles):
            return FilePairs(files.paths, files.target_paths, height, width, flipped, readers)
        return Pairs(files.paths, height, width, flipped, readers)

    def _cached(self, source, share=1):
        return Cached(source, self.cache_bytes // share)

    def _folder(self, task):
        folder = tree.task_folder(self.data_dir, task)
        if folder:
            return folder
        pairs = (*drawn.TASKS, *drawn.DEEP)
        names = {"labelled": drawn.LABELLED, "images": (*drawn.SINGLES, *drawn.TASKS)}.get(self.batch, pairs)
        folder = os.path.join(self.data_dir, task)
        known = ", ".join(tree.names(self.data_dir)) if tree.is_folder(self.data_dir) else "no such folder"
        raise FileNotFoundError(
            "A task's images must be in DATA_DIR/TASK, or in an archive TASK.zip, .tar or .tar.gz there, "
            f"here {folder!r}. Received: "
            f"--data_dir={self.data_dir!r} ({known}).\nThe pix2pix and CycleGAN data sets are at "
            "https://efrosgans.eecs.berkeley.edu/pix2pix/datasets/ and .../cyclegan/datasets/. "
            f"Without --data_dir, tasks are drawn: {', '.join(names)}."
        )


def _files(layout: Layout, folder: str, split: str) -> Mapping[str, ImageFiles]:
    """Returns {side: files} of a split. Raises FileNotFoundError if a side has no images."""
    found = layout.find(folder, split)
    for files in found.values():
        if not files.sizes:
            there = tree.names(files.folder) if tree.is_folder(files.folder) else []
            unread = sorted(name for name in there if is_unread_image_name(name))
            others = (
                f" but {len(unread)} that pgtf does not read: {', '.join(unread[:3])}; {advice(unread)}"
                if unread
                else ""
            )
            raise FileNotFoundError(
                f"A split must hold images (jpg, png, …). Received: {files.folder!r}, which holds none{others}"
            )
    return found
