"""What data a task has: which files, or what is drawn. It is recorded when the task begins."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Collection
from typing import Any, Union

from pgtf.data.reading import is_image_name
from pgtf.foundation import files, settings

TABLE = ".csv"
SPLITS = ("train", "test", "val")


def split_of(folder: str) -> str:
    """The split that a folder or a table of images is, by its name; folders A and B without one are training images."""
    name = os.path.basename(folder)
    return next((split for split in SPLITS if name.startswith(split)), "train")


def is_held_out(name: str, share: float) -> bool:
    """Whether a training image of this name is one of those held out for validation; share: 1/N of all."""
    return int(files.sha256(os.fsencode(name)), 16) % round(min(1 / share, 1e9)) == 0


@dataclasses.dataclass(frozen=True)
class ImageFiles:
    """The image files of a folder, {name: bytes} in order, and those of them that are left out as unreadable."""

    folder: str
    sizes: dict[str, int]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: str) -> ImageFiles:
        """The image files that lie in a folder now."""
        sizes = {name: _size(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if is_image_name(name)}
        return cls(folder, {name: size for name, size in sizes.items() if size is not None})

    @property
    def root(self) -> str:
        """The folder that the names are relative to."""
        return self.folder

    @property
    def paths(self) -> list[str]:
        """All of the files, also those left out."""
        return [os.path.join(self.root, name) for name in self.sizes]

    @property
    def target_paths(self) -> list[str]:
        """The files that hold the targets: the same ones."""
        return self.paths

    def only(self, names: Collection[str]) -> ImageFiles:
        """These files without all others."""
        return dataclasses.replace(self, sizes={name: size for name, size in self.sizes.items() if name in names})

    @property
    def kept(self) -> list[str]:
        """The names of the files that are not left out."""
        left_out = frozenset(self.left_out)
        return [name for name in self.sizes if name not in left_out]

    @property
    def sha256(self) -> str:
        """The hash of the sorted names and sizes, each ended by a zero byte."""
        listed = sorted((os.fsencode(name), size) for name, size in self.sizes.items())
        return files.sha256(b"".join(b"%s\0%d\0" % entry for entry in listed))

    def __str__(self) -> str:
        return f"{len(self.sizes)} files"

    def change(self, now: Part | None) -> str:
        """What came and what went, in words; empty where the names and sizes are the same, wherever they lie."""
        if not isinstance(now, ImageFiles) or type(self) is not type(now):
            return f"{self} before, {now or 'nothing'} now"
        kinds = {
            "more": now.sizes.keys() - self.sizes.keys(),
            "fewer": self.sizes.keys() - now.sizes.keys(),
            "of another size": {name for name in self.sizes.keys() & now.sizes if self.sizes[name] != now.sizes[name]},
        }
        counts = [(len(names), kind) for kind, names in kinds.items() if names]
        if not counts:
            return ""
        (count, kind), *others = counts
        words = [f"{count} {'file' if count == 1 else 'files'} {kind}", *(f"{count} {kind}" for count, kind in others)]
        return f"{', '.join(words)}; first: {min(set().union(*kinds.values()))!r}"

    def summary(self) -> dict[str, Any]:
        """What it is, as plain data, without the files' names."""
        return {
            "folder": self.folder,
            "count": len(self.sizes),
            "sha256": self.sha256,
            "left_out": list(self.left_out),
        }

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**self.summary(), "files": self.sizes}


@dataclasses.dataclass(frozen=True)
class PairedFiles(ImageFiles):
    """Pairs of two files each: a file of `sizes` is an input, and its size that of both.

    folder: That of the inputs, or the table that lists the pairs. targets: {input: target}, both relative to `root`.
    alone: Files that have no partner, and are in no pair.
    """

    targets: dict[str, str] = dataclasses.field(default_factory=dict)
    alone: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    @classmethod
    def listed(cls, folder: str, targets: dict[str, str], alone: tuple[str, ...] = ()) -> PairedFiles:
        """These pairs as they lie there now."""
        root = cls(folder, {}).root
        both = {name: [_size(os.path.join(root, one)) for one in (name, target)] for name, target in targets.items()}
        return cls(folder, {name: sum(size or 0 for size in sizes) for name, sizes in both.items()}, (), targets, alone)

    @property
    def root(self) -> str:
        return os.path.dirname(self.folder) if self.folder.endswith(TABLE) else self.folder

    @property
    def target_paths(self) -> list[str]:
        return [os.path.normpath(os.path.join(self.root, self.targets[name])) for name in self.sizes]

    @property
    def sha256(self) -> str:
        """The hash of the sorted inputs, targets and sizes, each ended by a zero byte."""
        listed = sorted((os.fsencode(name), os.fsencode(self.targets[name]), size) for name, size in self.sizes.items())
        return files.sha256(b"".join(b"%s\0%s\0%d\0" % entry for entry in listed))

    def __str__(self) -> str:
        return f"{len(self.sizes)} pairs of files"

    def change(self, now: Part | None) -> str:
        found = super().change(now)
        if found or not isinstance(now, PairedFiles):
            return found
        others = [name for name in self.sizes if self.targets[name] != now.targets[name]]
        return f"{len(others)} of another target; first: {others[0]!r}" if others else ""

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "targets": self.targets}


@dataclasses.dataclass(frozen=True)
class DrawnImages:
    """Pairs that are drawn, `count` of them from number `first` on."""

    task: str
    seed: int
    first: int
    count: int

    def __str__(self) -> str:
        return f"{self.count} pairs drawn as {self.task} with seed {self.seed}"

    def change(self, now: Part | None) -> str:
        """What is drawn otherwise, in words."""
        return "" if self == now else f"{self} before, {now or 'nothing'} now"

    def summary(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return {"drawn": self.task, "seed": self.seed, "first": self.first, "count": self.count}

    to_json = summary


Part = Union[ImageFiles, DrawnImages]


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The data of a task: {"train": …, "test": …}, or {"trainA": …, "trainB": …, "testA": …, "testB": …}.

    Where training images are held out: "validation", or "validationA" and "validationB", too.
    """

    parts: dict[str, Part]

    @property
    def files(self) -> dict[str, ImageFiles]:
        """The parts that are files."""
        return {name: part for name, part in self.parts.items() if isinstance(part, ImageFiles)}

    def changes(self, now: Manifest) -> list[str]:
        """What is no longer as it is here, a line for each part; nothing where it is the same data."""
        found = []
        for name in dict.fromkeys([*self.parts, *now.parts]):
            then, there = self.parts.get(name), now.parts.get(name)
            change = then.change(there) if then else f"nothing before, {there} now"
            if change:
                found.append(f"{name}: {change}")
        return found

    def summary(self) -> dict[str, Any]:
        """The manifest as plain data without the files' names: to be kept with what was learnt from them."""
        return {name: part.summary() for name, part in self.parts.items()}

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain data that from_json takes back."""
        return {name: part.to_json() for name, part in self.parts.items()}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Manifest:
        """The manifest that to_json gave as plain data; TypeError, ValueError and such of what it did not give."""
        return cls({name: _part(facts) for name, facts in plain.items()})


def check_summary(plain: dict[str, Any]) -> None:
    """Refuses what no Manifest's summary says: a stranger's JSON can hold anything."""
    for name, facts in plain.items():
        left_out = facts.get("left_out", []) if isinstance(facts, dict) else None
        texts = isinstance(left_out, list) and all(isinstance(file, str) for file in left_out)
        if not (texts and settings.is_of(int, facts.get("count")) and facts["count"] > 0):
            raise ValueError(
                "Images of a task are a count, of one or more, and the names of those left out. "
                f"Received: {name}: {facts!r:.200}"
            )


def _part(facts):
    if "drawn" in facts:
        return DrawnImages(facts["drawn"], facts["seed"], facts["first"], facts["count"])
    folder, sizes, left_out = facts["folder"], facts["files"], facts["left_out"]
    if not (isinstance(folder, str) and isinstance(sizes, dict) and isinstance(left_out, list)):
        raise TypeError(f"Files are a folder, sizes by name, and names that are left out. Received: {facts!r:.200}")
    strangers = [name for name in left_out if name not in sizes]
    if strangers:
        raise ValueError(f"Files that are left out are among the others. Received: {strangers!r:.200}")
    if "targets" not in facts:
        return ImageFiles(folder, sizes, tuple(left_out))
    targets = facts["targets"]
    if not (isinstance(targets, dict) and all(isinstance(targets.get(name), str) for name in sizes)):
        raise TypeError(f"Pairs of files have a target for each input. Received: {targets!r:.200}")
    return PairedFiles(folder, sizes, tuple(left_out), targets)


def _size(path):
    """The bytes of a file, 0 of a link to nowhere, None of a folder."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return None if stat.S_ISDIR(status.st_mode) else status.st_size
