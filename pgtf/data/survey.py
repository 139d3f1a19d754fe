"""Survey: describes the data of a folder before training: tasks, layouts, counts, sizes, channels, broken files."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import io
import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from pgtf.data import tree
from pgtf.data.decoding import decode
from pgtf.data.image_reader import WORKERS
from pgtf.data.layouts import LAYOUTS, Layout
from pgtf.data.manifest import ImageFiles, LabelledArrays, PairedFiles
from pgtf.data.pixels import Pixels, to_picture
from pgtf.data.prefetch import prefetch
from pgtf.foundation.errors import ImageError
from pgtf.foundation.task_names import first_names

SPLITS = ("train", "val", "test")
SHOWN, CELL, GAP = 6, 128, 4  # Examples of a task on the contact sheet; pixels of an image there, and between two.
OBJECTIVES = {
    "pairs": "pix2pix",
    "labelled": "classification",
    "unpaired": "cyclegan",
    "images": "unconditional",
}


@dataclasses.dataclass(frozen=True)
class TaskSurvey:
    """The data of one task.

    Attributes:
      name: The task's name.
      kind: Kind of its data: "pairs", "labelled", "unpaired" or "images".
      layout: Description of its arrangement.
      counts: {split: number of pairs, or "n + m" of unpaired images}.
      sides: {"input" or "target", or "A" or "B": lines about the images that were read}.
      read: Number of files that were read, and of all.
      broken: A message for each file that cannot be read, or differs from the others in channels or type.
      notes: Sentences about the rest.
      examples: Rows of pictures, uint8 [h, w, 3].
    """

    name: str
    kind: str
    layout: str
    counts: dict[str, str]
    sides: dict[str, str]
    read: tuple[int, int]
    broken: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    examples: tuple[tuple[np.ndarray, ...], ...] = ()

    def lines(self) -> list[str]:
        """Returns the survey as lines of text."""
        counts = ", ".join(f"{count} {split}" for split, count in self.counts.items())
        found = [f"{self.name}: {self.layout}", f"  {counts}; for --objective={OBJECTIVES[self.kind]}"]
        found += [f"  {side}: {text}" for side, text in self.sides.items()]
        number, total = self.read
        found.append(f"  read {number:,} of {total:,} files, {len(self.broken)} of them broken or unlike the others")
        return [*found, *(f"    {message}" for message in self.broken[:5]), *(f"  {note}" for note in self.notes)]


def survey(data_dir: str, most: int = 200) -> list[TaskSurvey]:
    """Describes each task of a folder of tasks, or the data of one task; either may be an archive.

    most: Number of files that are read of each side; 0 reads all.
    """
    names = [name for name in tree.names(data_dir) if not name.startswith(".")]
    tasks = dict.fromkeys(map(tree.task_of, names))
    alone = any(one.has(data_dir, "train") for kind in LAYOUTS if kind != "images" for one in LAYOUTS[kind])
    found = [_only(data_dir, most)] if alone else []
    found = found if any(found) else [_task(name, tree.task_folder(data_dir, name), most) for name in tasks]
    found = found if any(found) else [_only(data_dir, most)]
    if not any(found):
        raise ValueError(
            "A folder of data must have a folder or an archive (.zip, .tar, .tar.gz) for each task, which holds train, "
            "trainA and trainB, train.csv, train.jsonl or train.npz. "
            f"Received: {data_dir!r} with {first_names(names) or 'nothing in it'}"
        )
    return [one for one in found if one]


def _only(folder: str, most: int) -> TaskSurvey | None:
    """Describes a folder or an archive that holds the data of one task; None if it does not."""
    place = os.path.abspath(folder)
    found = _task(tree.task_of(os.path.basename(place)), folder, most)
    if not found:
        return None
    note = f"the data of one task: --data_dir={os.path.dirname(place)} --tasks={found.name}"
    return dataclasses.replace(found, notes=(note, *found.notes))


def _task(name: str, folder: str, most: int) -> TaskSurvey | None:
    arrangement = _arrangement(folder)
    if arrangement is None:
        return None
    kind, layout = arrangement
    splits = {split: layout.find(folder, split) for split in SPLITS if layout.has(folder, split)}
    counts = {split: " + ".join(str(len(files.sizes)) for files in found.values()) for split, found in splits.items()}
    train = splits["train"]
    paths = _paths(train, kind)
    chosen = {side: _spread(files, most) for side, files in paths.items()}
    sides, broken, pictures = {}, [], {}
    for side, some in chosen.items():
        sides[side], wrong, pictures[side] = _side(some, side)
        broken += wrong
    alone = [path for files in train.values() if isinstance(files, PairedFiles) for path in files.alone]
    notes = [f"{len(alone)} files without a partner: {first_names(alone)}"] if alone else []
    if alone and LAYOUTS["unpaired"][0].has(folder, "train"):
        notes.append("if equal names are an accident, take all images without pairs: --objective=cyclegan")
    if "test" not in splits and "val" not in splits:
        notes.append("no test images: put some into test, or train with --validation=0.1")
    rows = zip(*pictures.values()) if kind == "pairs" else iter(pictures.values())
    about = (type(layout).__doc__ or "").splitlines()[0]
    read = sum(map(len, chosen.values())), sum(map(len, paths.values()))
    return TaskSurvey(name, kind, about, counts, sides, read, tuple(broken), tuple(notes), tuple(map(tuple, rows)))


def _arrangement(folder: str) -> tuple[str, Layout] | None:
    """Returns the kind of a task's data and its layout; None if the folder holds no training data.

    Folders A and B hold pairs if they share a name.
    """
    for kind in OBJECTIVES:
        for layout in LAYOUTS[kind]:
            if not (tree.is_folder(folder) and layout.has(folder, "train")):
                continue
            try:
                found = layout.find(folder, "train")
            except ValueError:  # Folders without a common name, or a folder of images where classes should be.
                continue
            if any(files.sizes for files in found.values()):
                return kind, layout
    return None


def _paths(train, kind: str) -> dict[str, list[str]]:
    """Returns {side: files} of a split. Pairs side by side in a file have one side."""
    if "" not in train:
        return {side: files.paths for side, files in train.items()}
    files: ImageFiles = train[""]
    if isinstance(files, LabelledArrays):
        return {}
    if isinstance(files, PairedFiles):
        return {"input": files.paths, "target": files.target_paths}
    return {"input | target" if kind == "pairs" else "images": files.paths}


def _spread(paths: Sequence[str], most: int) -> list[str]:
    """Returns at most so many files, evenly spread."""
    if not most or len(paths) <= most:
        return list(paths)
    return [paths[place * len(paths) // most] for place in range(most)]


def _side(paths: Sequence[str], side: str) -> tuple[str, list[str], list[np.ndarray]]:
    """Reads files. Returns a description, messages about broken or different ones, and the first pictures."""
    kinds: collections.Counter[tuple[int, str]] = collections.Counter()
    sizes: set[tuple[int, int]] = set()
    low, high = np.inf, -np.inf
    messages: list[str] = []
    pictures: list[np.ndarray] = []
    kind_of: dict[str, tuple[int, str]] = {}
    for path, image in _read(paths):
        if isinstance(image, ImageError):
            messages.append(str(image))
            continue
        kind = (image.shape[-1], image.dtype.name)
        kinds[kind], kind_of[path] = kinds[kind] + 1, kind
        sizes.add((image.shape[0], image.shape[1]))
        low, high = min(low, float(image.min())), max(high, float(image.max()))
        if len(pictures) < SHOWN:
            pictures.append(_picture(image))
    if not kinds:
        return "no readable file", messages, pictures
    usual = kinds.most_common(1)[0][0]
    messages += [
        f"{path!r} has {kind[0]} x {kind[1]}, where others have {usual[0]} x {usual[1]}"
        for path, kind in kind_of.items()
        if kind != usual
    ]
    heights, widths = zip(*sizes)
    size = f"{min(heights)} x {min(widths)}"
    size += f" to {max(heights)} x {max(widths)}" if len(sizes) > 1 else ""
    count = "1 channel" if usual[0] == 1 else f"{usual[0]} channels"
    return f"{size} px (height x width), {count}, {usual[1]}, values {low:g} to {high:g}", messages, pictures


def _read(paths: Sequence[str]) -> Iterator[tuple[str, np.ndarray | ImageError]]:
    """Yields (path, image or error). Threads read ahead; memory is bounded."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for path, reading in prefetch(pool, decode, paths, 2 * WORKERS):
            try:
                yield path, reading.result()
            except ImageError as error:
                yield path, error


def _picture(image: np.ndarray) -> np.ndarray:
    """Returns a small picture of an image, scaled to its own range unless it has 8 bits."""
    channels, dtype = image.shape[-1], image.dtype.name
    low, high = (0.0, 255.0) if dtype == "uint8" else (float(image.min()), float(image.max()))
    picture = to_picture(Pixels(channels, dtype, low, high if high > low else low + 1).scaled(image))
    small = Image.fromarray(picture)
    small.thumbnail((2 * CELL, CELL))
    return np.asarray(small)


def contact_sheet(surveys: Iterable[TaskSurvey]) -> bytes:
    """Draws the examples of each task: its pairs in one row, or each side in one. Returns a PNG file."""
    rows = []
    for one in surveys:
        found = [sum(one.examples, ())] if one.kind == "pairs" else one.examples
        rows += [row for row in found if row]
    height = GAP + sum(max(len(cell) for cell in row) + GAP for row in rows)
    width = max((GAP + sum(cell.shape[1] + GAP for cell in row) for row in rows), default=GAP)
    sheet, top = np.full((height, width, 3), 255, "uint8"), GAP
    for row in rows:
        left = GAP
        for cell in row:
            sheet[top : top + len(cell), left : left + cell.shape[1]] = cell
            left += cell.shape[1] + GAP
        top += max(len(cell) for cell in row) + GAP
    content = io.BytesIO()
    Image.fromarray(sheet).save(content, "PNG")
    return content.getvalue()
