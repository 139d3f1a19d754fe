"""A task's name to its images: real folders, or drawn stand-ins."""

from __future__ import annotations

import dataclasses
import os
from typing import IO

from pgtf.data import drawn
from pgtf.data.checking import some, unreadable
from pgtf.data.images import ImageError
from pgtf.data.manifest import DrawnImages, ImageFiles, Manifest
from pgtf.data.sources import Cached, Chosen, Drawn, Images, Pairs, Side, Source
from pgtf.progress import Bar

# Drawn tests begin here in the endless row of drawn images, so that no training image is among them.
DRAWN_TEST, DRAWN_TESTS = 1_000_000, 20
MOMENT = 2.0  # Seconds of work that need no bar.


@dataclasses.dataclass(frozen=True)
class TaskData:
    """A task's images.

    sources: {"train": pairs, "test": pairs}, or {"trainA": images, "trainB": …, "testA": …, "testB": …} with the side
        of the input first.
    manifest: what these are made of, by the same names.
    origin: where from, in words.
    pairs_apart: whether pairs are used without their pairs.
    skipped: a message for each image that is left out.
    """

    name: str
    sources: dict[str, Source]
    manifest: Manifest
    origin: str
    pairs_apart: bool = False
    skipped: tuple[str, ...] = ()

    @property
    def train(self) -> list[Source]:
        """One source of pairs, or two of single images."""
        return self._split("train")

    @property
    def test(self) -> list[Source]:
        """One source of pairs, or two of single images."""
        return self._split("test")

    def _split(self, split):
        found = [source for name, source in self.sources.items() if name.startswith(split)]
        return [Side(found[0], side) for side in (0, 1)] if self.pairs_apart else found

    def checked(self, skip: bool = False, out: IO | None = None) -> TaskData:
        """This data, each file read once: those that can't be read are left out (skip) or refused, all at once."""
        counts = {files.folder: len(files.sizes) for files in self.manifest.files.values()}
        bar = Bar(f"{self.name}: checking", sum(counts.values()), "images", out=out, silent=MOMENT)
        errors = {}
        for name, files in self.manifest.files.items():
            if files.folder not in errors:  # Where there are no test images, those of training are shown.
                errors[files.folder] = unreadable(self.sources[name], bar)
        messages = [str(error) for found in errors.values() for error in found.values()]
        if messages and not skip:
            raise ImageError(f"{some(messages)}\n--bad_images=skip leaves such images out.")
        left_out = {}
        for name, files in self.manifest.files.items():
            names = list(files.sizes)
            left_out[name] = tuple(names[index] for index in errors[files.folder])
        return self._without(left_out, messages)

    def resumed(self, manifest: Manifest) -> TaskData:
        """This data as it was when the manifest was recorded, without what was left out then; no image is read.

        Refuses data that has changed since.
        """
        changes = manifest.changes(self.manifest)
        if changes:
            raise ValueError(
                "The data of a task stays as it is from the task's beginning to its end. "
                f"Received: {self.name} with other data\n  " + "\n  ".join(changes)
            )
        left_out = {name: files.left_out for name, files in manifest.files.items()}
        paths = [os.path.join(self.manifest.files[name].folder, file) for name in left_out for file in left_out[name]]
        return self._without(left_out, [f"Left out when the task began: {path!r}" for path in dict.fromkeys(paths)])

    def _without(self, left_out, messages):
        """This data without some files, {name of a source: names}."""
        sources, parts = dict(self.sources), dict(self.manifest.parts)
        for name, names in left_out.items():
            bad, files = frozenset(names), self.manifest.files[name]
            kept = [index for index, file in enumerate(files.sizes) if file not in bad]
            if not kept:
                raise ImageError(
                    f"At least one image of a folder must be readable. Received: {files.folder!r}, where none of "
                    f"{len(bad)} is:\n{some(messages)}"
                )
            if bad:
                parts[name] = dataclasses.replace(files, left_out=names)
                sources[name] = Chosen(sources[name], kept)
        return dataclasses.replace(self, sources=sources, manifest=Manifest(parts), skipped=tuple(messages))


@dataclasses.dataclass(frozen=True)
class Finder:
    """Finds the data of tasks by name; paired says whether pairs are used as pairs."""

    data_dir: str
    paired: bool
    test_size: tuple[int, int]  # (height, width) that test images are resized to
    train_size: tuple[int, int]  # (height, width) that training images are resized to, before they are cropped
    seed: int = 0
    drawn_images: int = 400
    cache_bytes: int = 2**31

    def __call__(self, task: str, flipped: bool = False) -> TaskData:
        """The data of a task; flipped: from B to A."""
        if not self.data_dir:
            return self._drawn(task, flipped)
        folder = os.path.join(self.data_dir, task)
        splits = self._splits(task, folder)
        if "train" in splits and (self.paired or not {"trainA", "trainB"} <= splits):
            return self._pairs(task, folder, splits, flipped)
        if self.paired:
            raise ValueError(
                f"pix2pix needs pairs: {os.path.join(folder, 'train')!r} with input and target side by side in each "
                "file. Received: trainA and trainB (--objective=cyclegan takes those)"
            )
        return self._sides(task, folder, splits, flipped)

    def _drawn(self, task, flipped):
        if task not in drawn.TASKS:
            raise ValueError(
                f"Without --data_dir a task is one of the drawn ones: {', '.join(drawn.TASKS)}. Received: {task!r}"
            )
        common = dict(seed=self.seed, flipped=flipped)
        sources = {
            "train": self._cached(Drawn(task, self.drawn_images, *self.train_size, **common)),
            "test": Drawn(task, DRAWN_TESTS, *self.test_size, first=DRAWN_TEST, **common),
        }
        parts = {
            "train": DrawnImages(task, self.seed, 0, self.drawn_images),
            "test": DrawnImages(task, self.seed, DRAWN_TEST, DRAWN_TESTS),
        }
        return TaskData(task, sources, Manifest(parts), "drawn", pairs_apart=not self.paired)

    def _pairs(self, task, folder, splits, flipped):
        test = next((split for split in ("test", "val") if split in splits), "train")
        files = {"train": self._files(folder, "train"), "test": self._files(folder, test)}
        sources = {
            "train": self._cached(Pairs(files["train"].paths, *self.train_size, flipped=flipped)),
            "test": Pairs(files["test"].paths, *self.test_size, flipped=flipped),
        }
        return TaskData(task, sources, Manifest(files), folder, pairs_apart=not self.paired)

    def _sides(self, task, folder, splits, flipped):
        test = "test" if {"testA", "testB"} <= splits else "train"
        sources, files = {}, {}
        for side in "BA" if flipped else "AB":
            train_files, test_files = self._files(folder, f"train{side}"), self._files(folder, f"{test}{side}")
            files.update({f"train{side}": train_files, f"test{side}": test_files})
            sources[f"train{side}"] = self._cached(Images(train_files.paths, *self.train_size), share=2)
            sources[f"test{side}"] = Images(test_files.paths, *self.test_size)
        return TaskData(task, sources, Manifest(files), folder)

    def _cached(self, source, share=1):
        return Cached(source, self.cache_bytes // share)

    def _splits(self, task, folder):
        if not os.path.isdir(folder):
            known = ", ".join(sorted(os.listdir(self.data_dir))) if os.path.isdir(self.data_dir) else "no such folder"
            raise FileNotFoundError(
                f"A task's images lie in DATA_DIR/TASK: {folder!r} was looked for. Received: "
                f"--data_dir={self.data_dir!r} ({known}).\nThe pix2pix and CycleGAN data sets are at "
                "https://efrosgans.eecs.berkeley.edu/pix2pix/datasets/ and .../cyclegan/datasets/; "
                f"without --data_dir, tasks are drawn: {', '.join(drawn.TASKS)}."
            )
        splits = set(os.listdir(folder))
        if "train" not in splits and not {"trainA", "trainB"} <= splits:
            raise FileNotFoundError(
                f"A task's folder has train (pairs, side by side) or trainA and trainB. Received: {folder!r} with "
                f"{', '.join(sorted(splits)) or 'nothing in it'}"
            )
        return splits

    @staticmethod
    def _files(folder, split):
        path = os.path.join(folder, split)
        found = ImageFiles.of(path)
        if not found.sizes:
            raise FileNotFoundError(f"A split must hold images (jpg, png, …). Received: {path!r}, which holds none")
        return found
