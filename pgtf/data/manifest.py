"""Manifest: the files, or drawn images, that a task's data consist of. It is recorded when the task begins."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection
from typing import Any, Union

from pgtf.data import tree
from pgtf.data.rgb_images import is_image_name
from pgtf.foundation import files, settings

TABLE, LINES, ARRAYS = ".csv", ".jsonl", ".npz"
SPLITS = ("train", "test", "val")


def split_of(folder: str) -> str:
    """Returns the split of a folder or a table, by its name; "train" if the name has none (folders A and B)."""
    name = os.path.basename(folder)
    return next((split for split in SPLITS if name.startswith(split)), "train")


def is_held_out(name: str, share: float) -> bool:
    """Returns whether a training image is held out for validation, by the hash of its name; share: 1/N of all."""
    return int(files.sha256(os.fsencode(name)), 16) % round(min(1 / share, 1e9)) == 0


@dataclasses.dataclass(frozen=True)
class ImageFiles:
    """The image files of a folder.

    Args:
      folder: The folder.
      sizes: {name: bytes}, in order.
      left_out: Names of the files that are left out because they are unreadable.
    """

    folder: str
    sizes: dict[str, int]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: str) -> ImageFiles:
        """Lists the image files of a folder."""
        sizes = {name: tree.size(os.path.join(folder, name)) for name in tree.names(folder) if is_image_name(name)}
        return cls(folder, {name: size for name, size in sizes.items() if size is not None})

    @property
    def root(self) -> str:
        """The folder that the names are relative to."""
        return self.folder

    @property
    def paths(self) -> list[str]:
        """Paths of all files, including those left out."""
        return [os.path.join(self.root, name) for name in self.sizes]

    @property
    def target_paths(self) -> list[str]:
        """Paths of the files that hold the targets: the same files."""
        return self.paths

    def only(self, names: Collection[str]) -> ImageFiles:
        """Returns the files with these names only."""
        return dataclasses.replace(self, sizes={name: size for name, size in self.sizes.items() if name in names})

    @property
    def kept(self) -> list[str]:
        """Names of the files that are not left out."""
        left_out = frozenset(self.left_out)
        return [name for name in self.sizes if name not in left_out]

    @property
    def sha256(self) -> str:
        """SHA-256 of the sorted names and sizes, each followed by a zero byte."""
        listed = sorted((os.fsencode(name), size) for name, size in self.sizes.items())
        return files.sha256(b"".join(b"%s\0%d\0" % entry for entry in listed))

    def __str__(self) -> str:
        return f"{len(self.sizes)} files"

    def change(self, now: Part | None) -> str:
        """Describes the changes since this was recorded; empty if names and sizes are the same, in whatever folder."""
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
        """Returns plain data without the files' names."""
        return {
            "folder": self.folder,
            "count": len(self.sizes),
            "sha256": self.sha256,
            "left_out": list(self.left_out),
        }

    def to_json(self) -> dict[str, Any]:
        """Returns all fields as plain data."""
        return {**self.summary(), "files": self.sizes}


@dataclasses.dataclass(frozen=True)
class PairedFiles(ImageFiles):
    """Pairs of two files. The names in `sizes` are the inputs; each size is the sum of both files' sizes.

    Args:
      folder: The folder of the inputs, or the table that lists the pairs.
      targets: {input: target}, both relative to `root`.
      alone: Files that have no partner.
    """

    targets: dict[str, str] = dataclasses.field(default_factory=dict)
    alone: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    @classmethod
    def listed(cls, folder: str, targets: dict[str, str], alone: tuple[str, ...] = ()) -> PairedFiles:
        """Returns these pairs with the current sizes of their files."""
        root = cls(folder, {}).root
        both = {
            name: [tree.size(os.path.join(root, one)) for one in (name, target)] for name, target in targets.items()
        }
        return cls(folder, {name: sum(size or 0 for size in sizes) for name, sizes in both.items()}, (), targets, alone)

    @property
    def root(self) -> str:
        return os.path.dirname(self.folder) if self.folder.endswith((TABLE, LINES)) else self.folder

    @property
    def target_paths(self) -> list[str]:
        return [os.path.normpath(os.path.join(self.root, self.targets[name])) for name in self.sizes]

    @property
    def sha256(self) -> str:
        """SHA-256 of the sorted inputs, targets and sizes, each followed by a zero byte."""
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
class LabelledFiles(ImageFiles):
    """Images with a class each.

    Args:
      folder: The folder of the split, or the table that lists its images.
      labels: {name: class}, names relative to `root`.
    """

    labels: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def listed(cls, folder: str, labels: dict[str, str]) -> LabelledFiles:
        """Returns these images with their files' sizes, in the order of their names' hashes, which mixes classes."""
        root = cls(folder, {}).root
        names = sorted(labels, key=lambda name: files.sha256(os.fsencode(name)))
        return cls(folder, {name: tree.size(os.path.join(root, name)) or 0 for name in names}, (), labels)

    @property
    def root(self) -> str:
        return os.path.dirname(self.folder) if self.folder.endswith((TABLE, LINES)) else self.folder

    @property
    def sha256(self) -> str:
        """SHA-256 of the sorted names, classes and sizes, each followed by a zero byte."""
        listed = sorted((os.fsencode(name), self.labels[name].encode(), size) for name, size in self.sizes.items())
        return files.sha256(b"".join(b"%s\0%s\0%d\0" % entry for entry in listed))

    def change(self, now: Part | None) -> str:
        found = super().change(now)
        if found or not isinstance(now, LabelledFiles):
            return found
        others = [name for name in self.sizes if self.labels[name] != now.labels[name]]
        return f"{len(others)} of another class; first: {others[0]!r}" if others else ""

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "labels": self.labels}


@dataclasses.dataclass(frozen=True)
class LabelledArrays(LabelledFiles):
    """The images of a .npz file. Each has its number and a checksum of its pixels for a name."""


@dataclasses.dataclass(frozen=True)
class DrawnImages:
    """`count` drawn pairs, or labelled images, from number `first` on."""

    task: str
    seed: int
    first: int
    count: int

    def __str__(self) -> str:
        return f"{self.count} examples drawn as {self.task} with seed {self.seed}"

    def change(self, now: Part | None) -> str:
        """Describes the changes since this was recorded; empty if there are none."""
        return "" if self == now else f"{self} before, {now or 'nothing'} now"

    def summary(self) -> dict[str, Any]:
        """Returns all fields as plain data."""
        return {"drawn": self.task, "seed": self.seed, "first": self.first, "count": self.count}

    to_json = summary


Part = Union[ImageFiles, DrawnImages]


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The data of a task: {"train": …, "test": …}, or {"trainA": …, "trainB": …, "testA": …, "testB": …}.

    If training images are held out, also "validation", or "validationA" and "validationB".
    """

    parts: dict[str, Part]

    @property
    def files(self) -> dict[str, ImageFiles]:
        """The parts that are files."""
        return {name: part for name, part in self.parts.items() if isinstance(part, ImageFiles)}

    def changes(self, now: Manifest) -> list[str]:
        """Describes the changes since this was recorded, a line for each changed part."""
        found = []
        for name in dict.fromkeys([*self.parts, *now.parts]):
            then, there = self.parts.get(name), now.parts.get(name)
            change = then.change(there) if then else f"nothing before, {there} now"
            if change:
                found.append(f"{name}: {change}")
        return found

    def summary(self) -> dict[str, Any]:
        """Returns plain data without the files' names, to store in the task's slice."""
        return {name: part.summary() for name, part in self.parts.items()}

    def to_json(self) -> dict[str, Any]:
        """Returns plain data that `from_json` reads."""
        return {name: part.to_json() for name, part in self.parts.items()}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Manifest:
        """Returns the manifest that `to_json` wrote. Raises TypeError, ValueError or KeyError for other data."""
        return cls({name: _part(facts) for name, facts in plain.items()})


def check_summary(plain: dict[str, Any]) -> None:
    """Raises ValueError for data that no `Manifest.summary` returns: untrusted JSON can hold anything."""
    for name, facts in plain.items():
        left_out = facts.get("left_out", []) if isinstance(facts, dict) else None
        texts = isinstance(left_out, list) and all(isinstance(file, str) for file in left_out)
        if not (texts and settings.is_of(int, facts.get("count")) and facts["count"] > 0):
            raise ValueError(
                "A summary of a task's images must have a count of at least 1 and the names of the images left out. "
                f"Received: {name}: {facts!r:.200}"
            )


def _part(facts):
    if "drawn" in facts:
        return DrawnImages(facts["drawn"], facts["seed"], facts["first"], facts["count"])
    folder, sizes, left_out = facts["folder"], facts["files"], facts["left_out"]
    if not (isinstance(folder, str) and isinstance(sizes, dict) and isinstance(left_out, list)):
        raise TypeError(
            f"Files must have a folder, sizes by name, and names that are left out. Received: {facts!r:.200}"
        )
    strangers = [name for name in left_out if name not in sizes]
    if strangers:
        raise ValueError(f"Names that are left out must be among the files. Received: {strangers!r:.200}")
    if "labels" in facts:
        labels = facts["labels"]
        if not (isinstance(labels, dict) and all(isinstance(labels.get(name), str) for name in sizes)):
            raise TypeError(f"Labelled images must have a class each. Received: {labels!r:.200}")
        kind = LabelledArrays if folder.endswith(ARRAYS) else LabelledFiles
        return kind(folder, sizes, tuple(left_out), labels)
    if "targets" not in facts:
        return ImageFiles(folder, sizes, tuple(left_out))
    targets = facts["targets"]
    if not (isinstance(targets, dict) and all(isinstance(targets.get(name), str) for name in sizes)):
        raise TypeError(f"Pairs of files must have a target for each input. Received: {targets!r:.200}")
    return PairedFiles(folder, sizes, tuple(left_out), targets)
