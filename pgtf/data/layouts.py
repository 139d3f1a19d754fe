"""Layouts: the arrangements of images in a task's folder.

A layout finds the files of a split: {"": pairs}, or {"A": images, "B": images} if images are not paired.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import zlib
from collections.abc import Mapping, Sequence

from pgtf.data import archives, tree
from pgtf.data.arrays import read_arrays
from pgtf.data.manifest import ARRAYS, LINES, TABLE, ImageFiles, LabelledArrays, LabelledFiles, PairedFiles
from pgtf.data.rgb_images import ENDINGS, is_image_name
from pgtf.foundation.errors import ImageError
from pgtf.foundation.task_names import first_names

HEAD = ["input", "target"]


class Layout:
    """One arrangement of images in a task's folder. is_file: Whether a split is one file, which names its images."""

    is_file = False

    def has(self, folder: str, split: str) -> bool:
        """Returns whether a task's folder has a split in this layout."""
        raise NotImplementedError

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        """Returns {side: files} of a split; the side of pairs is ""."""
        raise NotImplementedError


class SideBySide(Layout):
    """SPLIT/*.jpg: input and target side by side in each file."""

    def has(self, folder: str, split: str) -> bool:
        return tree.is_folder(os.path.join(folder, split))

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        return {"": ImageFiles.of(os.path.join(folder, split))}


class Table(Layout):
    """SPLIT.csv: a line "INPUT,TARGET" for each pair, paths relative to the table. Optional header: input,target."""

    is_file = True

    def has(self, folder: str, split: str) -> bool:
        path = os.path.join(folder, split + TABLE)
        first = next(iter(_rows(path)), (0, []))[1] if tree.is_file(path) else []
        return first == HEAD or (len(first) == 2 and all(cell.lower().endswith(ENDINGS) for cell in first))

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        path, targets = os.path.join(folder, split + TABLE), dict[str, str]()
        for line, row in _rows(path):
            if line == 1 and row == HEAD:
                continue
            if len(row) != 2 or not all(row) or row[0] in targets:
                raise ValueError(
                    "A table of pairs must have an input and its target in each line, each input once. "
                    f"Received: {path!r}, line {line}: {','.join(row)!r:.200}"
                )
            targets[row[0]] = row[1]
        return {"": PairedFiles.listed(path, _inside(path, targets))}


class Lines(Table):
    """SPLIT.jsonl: a line {"input": PATH, "target": PATH} for each pair, paths relative to the file."""

    def has(self, folder: str, split: str) -> bool:
        return tree.is_file(os.path.join(folder, split + LINES))

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        path, targets = os.path.join(folder, split + LINES), dict[str, str]()
        with _text(path) as file:
            for line, text in enumerate(file, 1):
                pair = _pair(text) if text.strip() else None
                if text.strip() and (pair is None or pair[0] in targets):
                    raise ValueError(
                        'Lines of pairs must be {"input": PATH, "target": PATH}, each input once. '
                        f"Received: {path!r}, line {line}: {text.strip()!r:.200}"
                    )
                if pair:
                    targets[pair[0]] = pair[1]
        return {"": PairedFiles.listed(path, _inside(path, targets))}


class Sides(Layout):
    """SPLITA/*.jpg and SPLITB/*.jpg, or A and B for training: unpaired images of two domains."""

    def has(self, folder: str, split: str) -> bool:
        return bool(self._folders(folder, split))

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        return {side: ImageFiles.of(path) for side, path in zip("AB", self._folders(folder, split))}

    def _folders(self, folder: str, split: str) -> Sequence[str]:
        for prefix in (split, "") if split == "train" else (split,):
            both = [os.path.join(folder, prefix + side) for side in "AB"]
            if all(map(tree.is_folder, both)):
                return both
        return ()


class TwoFolders(Sides):
    """SPLITA/*.jpg and SPLITB/*.jpg, or A and B for training: pairs of the same name, up to its ending."""

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        first, second = super().find(folder, split).values()
        partners, targets, alone = {_stem(name): name for name in second.sizes}, {}, []
        for name in first.sizes:
            partner = partners.pop(_stem(name), "")
            if partner:
                targets[name] = os.path.join(os.pardir, os.path.basename(second.folder), partner)
            else:
                alone.append(os.path.join(first.folder, name))
        taken = set(targets.values())
        alone += [
            os.path.join(second.folder, name)
            for name in second.sizes
            if os.path.join(os.pardir, os.path.basename(second.folder), name) not in taken
        ]
        if first.sizes and second.sizes and not targets:
            raise ValueError(
                "pix2pix needs pairs: an input in one folder and its target of the same name in the other, or "
                f"{os.path.join(folder, split)!r} with both side by side in each file. Received: {first.folder!r} and "
                f"{second.folder!r} without a common name (--objective=cyclegan takes those)"
            )
        return {"": PairedFiles.listed(first.folder, targets, tuple(alone))}


class Flat(Layout):
    """SPLIT/*.jpg: images without labels. Training images may also lie in the task's folder itself."""

    def has(self, folder: str, split: str) -> bool:
        inside = split == "train" and any(map(is_image_name, tree.names(folder)))
        return inside or tree.is_folder(os.path.join(folder, split))

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        path = os.path.join(folder, split)
        return {"": ImageFiles.of(path if tree.is_folder(path) else folder)}


class ClassFolders(Layout):
    """SPLIT/CLASS/*.jpg: images in a folder for each class. `valid` and `validation` stand for `val`."""

    def has(self, folder: str, split: str) -> bool:
        return tree.is_folder(self._path(folder, split))

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        path = self._path(folder, split)
        there = tree.names(path)
        classes = [name for name in there if not name.startswith(".") and tree.is_folder(os.path.join(path, name))]
        images = {name: ImageFiles.of(os.path.join(path, name)).sizes for name in classes}
        empty = [name for name in classes if not images[name]]
        if not classes and any(map(is_image_name, there)):
            raise ValueError(
                "Labelled images must lie in a folder for each class, SPLIT/CLASS/*.jpg, or be listed in SPLIT.csv. "
                f"Received: {path!r} with images outside of such folders"
            )
        if empty and split == "train":
            raise ValueError(
                "A class must have training images (jpg, png, …). Remove its folder or fill it. "
                f"Received: {len(empty)} of {len(classes)} folders in {path!r} without images: {first_names(empty)}"
            )
        labels = {os.path.join(name, file): name for name in classes for file in images[name]}
        return {"": LabelledFiles.listed(path, labels)}

    @staticmethod
    def _path(folder: str, split: str) -> str:
        names = (split, "valid", "validation") if split == "val" else (split,)
        paths = [os.path.join(folder, name) for name in names]
        return next(filter(tree.is_folder, paths), paths[0])


class ClassTable(Layout):
    """SPLIT.csv: a line "IMAGE,CLASS" for each image, paths relative to the table. Optional header: image,label."""

    is_file = True

    def has(self, folder: str, split: str) -> bool:
        return tree.is_file(os.path.join(folder, split + TABLE))

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        path, labels = os.path.join(folder, split + TABLE), dict[str, str]()
        for line, row in _rows(path):
            if line == 1 and row == ["image", "label"]:
                continue
            if len(row) != 2 or not all(row) or row[0] in labels:
                raise ValueError(
                    "A table of labelled images must have an image and its class in each line, each image once. "
                    f"Received: {path!r}, line {line}: {','.join(row)!r:.200}"
                )
            labels[row[0]] = row[1]
        _inside(path, dict.fromkeys(labels, "."))
        return {"": LabelledFiles.listed(path, labels)}


class ClassArrays(Layout):
    """SPLIT.npz: `images`, [n, h, w] or [n, h, w, channels], and `labels` [n], whole numbers or texts."""

    is_file = True

    def has(self, folder: str, split: str) -> bool:
        return tree.is_file(os.path.join(folder, split + ARRAYS))

    def find(self, folder: str, split: str) -> Mapping[str, ImageFiles]:
        path = os.path.join(folder, split + ARRAYS)
        images, classes = read_arrays(path)
        names = [f"{number:06d}-{zlib.crc32(image.tobytes()):08x}" for number, image in enumerate(images)]
        sizes = {name: image.nbytes for name, image in zip(names, images)}
        return {"": LabelledArrays(path, sizes, (), dict(zip(names, classes)))}


# The layouts of each kind of training data, in the order in which they are looked for.
LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "pairs": (Table(), Lines(), SideBySide(), TwoFolders()),
    "unpaired": (Sides(), Table(), Lines(), SideBySide()),  # Pairs can be used as unpaired images.
    "labelled": (ClassFolders(), ClassTable(), ClassArrays()),
    "images": (Flat(),),
}


def layout_of(folder: str, batch: str) -> Layout:
    """Returns the layout of the training images in a task's folder. All splits must have it."""
    for layout in LAYOUTS[batch]:
        if layout.has(folder, "train"):
            _refuse_another_layout(folder, batch, layout)
            return layout
    there = ", ".join(tree.names(folder)) or "nothing in it"
    pairs = (
        "train (pairs side by side), trainA and trainB (pairs by equal names, or unpaired images of two domains), "
        "train.csv (lines input,target) or train.jsonl (lines with input and target)"
    )
    kinds = {
        "labelled": "train (a folder for each class), train.csv (lines image,label) or train.npz (images, labels)",
        "images": "images (jpg, png, …), or a folder train with images",
    }
    raise FileNotFoundError(f"A task's folder must have {kinds.get(batch, pairs)}. Received: {folder!r} with {there}")


def _refuse_another_layout(folder: str, batch: str, layout: Layout) -> None:
    """Raises ValueError if a split exists only in another layout. The folders beside a table may hold its images."""
    others = [one for one in LAYOUTS[batch] if not isinstance(layout, (Table, ClassTable)) or one.is_file]
    for split in ("val", "test"):
        if not layout.has(folder, split) and any(one.has(folder, split) for one in others):
            names = [name for name in tree.names(folder) if name.startswith(("train", split)) or name in ("A", "B")]
            raise ValueError(
                "The splits of a task must be arranged alike, as train is. "
                f"Received: {folder!r} with {', '.join(sorted(names))}"
            )


def _pair(text: str) -> tuple[str, str] | None:
    """Returns (input, target) of a line of JSON; None if it is not one."""
    try:
        plain = json.loads(text)
        pair = plain["input"], plain["target"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return pair if all(isinstance(path, str) and _is_path(path) for path in pair) else None


def _is_path(text: str) -> bool:
    """Returns whether a text can name a file: it holds no zero character and no half of a surrogate pair."""
    try:
        return bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _rows(path: str) -> Sequence[tuple[int, list[str]]]:
    """Returns [(line number, cells)] of a table. Skips empty lines and strips spaces around cells."""
    with _text(path) as file:
        try:
            reader = csv.reader(file)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"A table must be CSV in UTF-8. Received: {path!r} ({error})") from error
    for line, row in rows:
        if any("\0" in cell for cell in row):
            raise ValueError(f"A table must hold no zero characters. Received: {path!r}, line {line}")
    return rows


def _text(path: str) -> io.TextIOWrapper:
    """Opens a text in UTF-8, with or without a byte-order mark."""
    try:
        file, _ = tree.open_file(path)
    except ImageError as error:
        raise ValueError(f"A table must be readable. Received: {path!r} ({error})") from error
    return io.TextIOWrapper(file, encoding="utf-8-sig", newline="")


def _inside(path: str, files: dict[str, str]) -> dict[str, str]:
    """Returns {file: file} of a table. Raises ValueError if the table is in an archive and one of them is not."""
    found = archives.inside(path)
    if found:
        folder = os.path.dirname(path[len(found[0].path) + 1 :])
        for name in itertools.chain(*files.items()):
            if os.path.isabs(name) or os.path.normpath(os.path.join(folder, name)).split(os.sep)[0] == os.pardir:
                raise ValueError(
                    "A table in an archive must name files of that archive, relative to the table. "
                    f"Received: {path!r} with {name!r:.200}"
                )
    return files


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]
