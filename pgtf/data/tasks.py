"""A task's name to its images: real folders, or drawn stand-ins."""

import dataclasses
import os

from pgtf.data import drawn
from pgtf.data.sources import Cached, Drawn, Images, Pairs, Side, image_files

# Drawn tests begin here in the endless row of drawn images, so that no training image is among them.
DRAWN_TEST, DRAWN_TESTS = 1_000_000, 20


@dataclasses.dataclass(frozen=True)
class TaskData:
    """train and test: lists of sources, one of pairs or two of single images; origin: where from, in words."""

    name: str
    train: list
    test: list
    origin: str
    half_a_turn: bool = False


@dataclasses.dataclass(frozen=True)
class Finder:
    """Finds the data of tasks by name; paired says whether pairs are used as pairs."""

    data_dir: str
    paired: bool
    size: tuple  # what test images are resized to
    load: tuple  # what training images are resized to
    seed: int = 0
    drawn_images: int = 400
    cache_bytes: int = 2**31
    skip_bad: bool = False

    def __call__(self, task, flipped=False):
        """The TaskData of a task; flipped: from B to A."""
        if not self.data_dir:
            return self._drawn(task, flipped)
        folder = os.path.join(self.data_dir, task)
        splits = self._splits(task, folder)
        if "train" not in splits or (not self.paired and {"trainA", "trainB"} <= splits):
            if self.paired:
                raise ValueError(
                    f"pix2pix needs pairs: {folder}/train with input and target side by side in each file. "
                    "Received: trainA and trainB (--objective=cyclegan takes those)"
                )
            return self._sides(task, folder, splits, flipped)
        test = next((split for split in ("test", "val") if split in splits), "train")
        return self._task(
            task,
            Pairs(self._files(folder, "train"), *self.load, flipped=flipped),
            Pairs(self._files(folder, test), *self.size, flipped=flipped),
            folder,
        )

    def _drawn(self, task, flipped):
        if task not in drawn.TASKS:
            raise ValueError(
                f"Without --data_dir a task is one of the drawn ones: {', '.join(drawn.TASKS)}. Received: {task!r}"
            )
        common = dict(seed=self.seed, flipped=flipped)
        return self._task(
            task,
            Drawn(task, self.drawn_images, *self.load, **common),
            Drawn(task, DRAWN_TESTS, *self.size, first=DRAWN_TEST, **common),
            "drawn",
        )

    def _task(self, task, train, test, origin):
        train = self._cached(train)
        if self.paired:
            return TaskData(task, [train], [test], origin)
        sides = ([Side(pairs, 0), Side(pairs, 1)] for pairs in (train, test))
        return TaskData(task, *sides, origin, half_a_turn=True)

    def _sides(self, task, folder, splits, flipped):
        sides = "BA" if flipped else "AB"
        kind = "test" if "testA" in splits and "testB" in splits else "train"
        return TaskData(
            task,
            [self._cached(Images(self._files(folder, f"train{side}"), *self.load), share=2) for side in sides],
            [Images(self._files(folder, f"{kind}{side}"), *self.size) for side in sides],
            folder,
        )

    def _cached(self, source, share=1):
        return Cached(source, self.cache_bytes // share, self.skip_bad)

    def _splits(self, task, folder):
        if not os.path.isdir(folder):
            known = ", ".join(sorted(os.listdir(self.data_dir))) if os.path.isdir(self.data_dir) else "no such folder"
            raise FileNotFoundError(
                f"A task's images lie in DATA_DIR/TASK: {folder} was looked for. Received: --data_dir={self.data_dir} "
                f"({known}).\nThe pix2pix and CycleGAN data sets are at "
                "https://efrosgans.eecs.berkeley.edu/pix2pix/datasets/ and .../cyclegan/datasets/; "
                f"without --data_dir, tasks are drawn: {', '.join(drawn.TASKS)}."
            )
        splits = set(os.listdir(folder))
        if "train" not in splits and not {"trainA", "trainB"} <= splits:
            raise FileNotFoundError(
                f"A task's folder has train (pairs, side by side) or trainA and trainB. Received: {folder} with "
                f"{', '.join(sorted(splits)) or 'nothing in it'}"
            )
        return splits

    @staticmethod
    def _files(folder, split):
        path = os.path.join(folder, split)
        found = image_files(path)
        if not found:
            raise FileNotFoundError(f"A split must hold images (jpg, png, …). Received: {path}, which holds none")
        return found
