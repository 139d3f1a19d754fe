"""A task's name to its images: real folders, or drawn stand-ins."""

from __future__ import annotations

import dataclasses
import os

from pgtf.data import drawn
from pgtf.data.manifest import DrawnImages, ImageFiles, Manifest
from pgtf.data.sources import Cached, Drawn, Images, Pairs
from pgtf.data.task_data import TaskData

# Drawn tests begin here in the endless row of drawn images, so that no training image is among them.
DRAWN_TEST, DRAWN_TESTS = 1_000_000, 20


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
        if not drawn.is_drawn(task):
            raise ValueError(f"Without --data_dir a task is one of the drawn ones: {drawn.KNOWN}. Received: {task!r}")
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
