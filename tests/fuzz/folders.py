"""Folders of data in any combination: their images are found, or refused with a rule."""

from __future__ import annotations

import functools
import io
import json
import os

import numpy as np
from PIL import Image

from pgtf.data.finder import Finder
from pgtf.data.manifest import Manifest, check_summary
from pgtf.data.reading import ImageError
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import TEXTS, changed_bytes, some

FOLDERS = (
    *("train", "train", "val", "test", "trainA", "trainB", "testA", "testB", "valA", "A", "B"),
    *("train/deeper", "validation", "Train"),
)
PLANS = (  # What is there most often: folders that belong together.
    ("train",),
    ("train", "test"),
    ("trainA", "trainB"),
    ("trainA", "trainB", "testA", "testB"),
    ("A", "B"),
    ("train", "trainA", "trainB"),
    (),
)
ENDINGS = ("jpg", "png", "JPG", "jpeg", "tif", "webp", "bmp", "gif", "heic", "txt", "jpg.txt", "", "csv")
FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "gif": "GIF", "bmp": "BMP", "webp": "WEBP", "png": "PNG"}
SIZES = ((8, 16), (8, 16), (8, 16), (9, 17), (8, 1), (1, 2), (16, 8), (40, 24))
RULED = ("must", "needs", "has ", "have ", "look like", "leave", "lie in", "holds")


def attack(case: Case) -> str:
    """Fills a folder and finds a task's images in it."""
    draw, folder = case.draw, case.path("data", "task")
    os.makedirs(folder)
    names = set(some(draw, PLANS))
    names |= {some(draw, FOLDERS) for _ in range(some(draw, (0, 0, 1, 3)))}
    stems = [f"{number}" for number in range(int(draw.integers(1, 9)))] + ["é b", ".hidden", "a,b"]
    for name in sorted(names):
        _fill(draw, os.path.join(folder, name), stems)
    if draw.random() < 0.3:
        _table(draw, folder)
    before = _listed(case.folder)
    find = Finder(
        case.path("data"),
        ("unpaired", "pairs")[draw.integers(2)],
        (8, 8),
        (10, 12),
        validation=some(draw, (0.0, 0.0, 0.0, 0.5, 0.1)),
    )
    try:
        data = find("task", bool(draw.integers(2)))
        if draw.random() < 0.7:
            data.refuse_single_images()
        data = data.checked(skip=bool(draw.integers(2)), out=io.StringIO())
    except (ValueError, OSError) as error:
        _check_refusal(error)
        return "refused"
    if _listed(case.folder) != before:
        raise Finding("Looking for images writes nothing. Received: another folder")
    _check(data)
    return find.batch


def _fill(draw, folder, stems):
    """Image files, whole or broken, and others; most often of one ending."""
    os.makedirs(folder, exist_ok=True)
    usual, clean = some(draw, ENDINGS[:7]), draw.random() < 0.6
    for stem in stems:
        if draw.random() < 0.15:
            continue
        ending = usual if clean or draw.random() < 0.5 else some(draw, ENDINGS)
        path = os.path.join(folder, f"{stem}.{ending}" if ending else stem)
        odd = 1.0 if clean else draw.random()
        if odd < 0.06:
            os.makedirs(path, exist_ok=True)
        elif odd < 0.1:
            os.symlink(some(draw, ("nowhere", "/dev/zero", ".")), path)
        else:
            content = _image(FORMATS.get(ending.lower(), "PNG"), some(draw, SIZES[:3] if clean else SIZES))
            with open(path, "wb") as file:
                file.write(content if clean or draw.random() < 0.8 else changed_bytes(draw, content))


@functools.cache
def _image(kind, size):
    pixels = np.random.default_rng(size[0]).integers(0, 256, [*size, 3], dtype="uint8")
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def _table(draw, folder):
    """A table of pairs of what is there, or nearly."""
    there = [
        os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder) for name in names
    ] or ["a.png"]
    lines = ["input,target"] if draw.random() < 0.5 else []
    for _ in range(int(draw.integers(0, 6))):
        cells = [some(draw, sorted(there)), some(draw, sorted(there))]
        if draw.random() < 0.15:
            cells = [some(draw, (*TEXTS, cells[0])) for _ in range(int(draw.integers(1, 4)))]
        lines.append(",".join(f'"{cell}"' if "," in cell else cell for cell in cells))
    content = "\n".join(lines).encode(errors="replace")
    with open(os.path.join(folder, some(draw, ("train.csv", "train.csv", "test.csv"))), "wb") as file:
        file.write(content if draw.random() < 0.8 or not content else changed_bytes(draw, content))


def _check_refusal(error):
    text = str(error)
    if "Received" not in text or not any(word in text for word in RULED):
        raise Finding(f"A folder is refused with a rule and what was received. Received: {error!r}") from error


def _check(data):
    """All images that are left can be read at their size, and what is told of them is plain data."""
    for name, source in data.sources.items():
        checked = not name.startswith("test")
        for index in range(len(source)):
            try:
                stack = source[index]
            except ImageError as error:
                if checked:
                    raise Finding(f"An image that was checked can be read. Received: {error}") from error
                continue
            expected = (source.images, source.height, source.width, 3)
            if stack.shape != expected or stack.dtype != np.uint8:
                raise Finding(f"An image is uint8 {expected}. Received: {stack.dtype} {stack.shape} of {name}")
    plain = json.loads(json.dumps(data.manifest.to_json()))
    again = Manifest.from_json(plain)
    if again.changes(data.manifest):
        raise Finding(f"A manifest comes back from JSON. Received: {again.changes(data.manifest)}")
    check_summary(json.loads(json.dumps(data.manifest.summary())))


def _listed(folder):
    return sorted((place, tuple(folders), tuple(names)) for place, folders, names in os.walk(folder))
