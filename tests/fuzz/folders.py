"""Folders and archives of data in any combination: their images are found, or refused with a rule."""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import tarfile
import warnings
import zipfile

import numpy as np
from PIL import Image

from pgtf.data import writing
from pgtf.data.finder import Finder
from pgtf.data.manifest import Manifest, check_summary
from pgtf.data.pixels import RGB, RequestedPixels
from pgtf.data.rgb_images import ImageError
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
DEEP = ("png", "tif", "npy", "npz")  # Endings of images that are not RGB.
PIXELS = (
    (RGB, RGB),
    (RequestedPixels(), RequestedPixels()),
    (RequestedPixels(1), RequestedPixels(3)),
    (RequestedPixels(0, "measured"), RequestedPixels(2, "-1:300")),
)
COMPRESSIONS = (zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2)
ARCHIVES = (".zip", ".zip", ".tar", ".tar.gz", ".tgz")
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
    if draw.random() < 0.4:
        _pack(draw, folder)
    before = _listed(case.folder)
    find = Finder(
        case.path("data"),
        ("unpaired", "pairs")[draw.integers(2)],
        (8, 8),
        (10, 12),
        validation=some(draw, (0.0, 0.0, 0.0, 0.5, 0.1)),
        pixels=some(draw, PIXELS),
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
    deep = some(draw, DEEP) if draw.random() < 0.3 else ""
    kind = some(draw, (1, 2, 3, 6)), some(draw, ("uint8", "uint16", "float32"))
    for stem in stems:
        if draw.random() < 0.15:
            continue
        ending = usual if clean or draw.random() < 0.5 else some(draw, ENDINGS)
        ending = deep or ending
        path = os.path.join(folder, f"{stem}.{ending}" if ending else stem)
        odd = 1.0 if clean else draw.random()
        if odd < 0.06:
            os.makedirs(path, exist_ok=True)
        elif odd < 0.1:
            os.symlink(some(draw, ("nowhere", "/dev/zero", ".")), path)
        else:
            size = some(draw, SIZES[:3] if clean else SIZES)
            other = kind if clean or draw.random() < 0.9 else (3, "uint16")
            content = _deep(ending, size, *other) if deep else _image(FORMATS.get(ending.lower(), "PNG"), size)
            with open(path, "wb") as file:
                file.write(content if clean or draw.random() < 0.8 else changed_bytes(draw, content))


@functools.cache
def _image(kind, size):
    pixels = np.random.default_rng(size[0]).integers(0, 256, [*size, 3], dtype="uint8")
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


@functools.cache
def _deep(ending, size, channels, dtype):
    values = np.random.default_rng(channels).integers(0, 256, [*size, channels]).astype(dtype)
    if ending == "npz":
        content = io.BytesIO()
        np.savez(content, values)
        return content.getvalue()
    fits = ending != "png" or ending == writing.ending_for(channels, dtype)[1:]
    return writing.content(values if fits else values[..., :1].astype("uint16"), f".{ending}")


def _pack(draw, folder):
    """Puts a task's folder into an archive, whole or broken, with odd names or kinds of files in it or not."""
    path = folder + some(draw, ARCHIVES)
    top = some(
        draw, ("", "", "task/", "./", "a b/", "task/") if draw.random() < 0.8 else ("train/", "../", "/", *TEXTS[-4:])
    )
    if path.endswith(".zip"):
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", some(draw, COMPRESSIONS)) as archive:
            warnings.simplefilter("ignore")  # Names that are there twice.
            for place, _, names in os.walk(folder):
                for name in names:
                    file = os.path.join(place, name)
                    if os.path.isfile(file) and not os.path.islink(file):
                        archive.write(file, _renamed(draw, top + os.path.relpath(file, folder)).lstrip("/") or "x")
    else:
        with tarfile.open(path, "w:gz" if path.endswith("gz") else "w") as archive:
            archive.add(
                folder, top or ".", filter=lambda info: info.replace(name=_renamed(draw, info.name), deep=False)
            )
    shutil.rmtree(folder)
    if draw.random() < 0.3:
        with open(path, "rb") as file:
            content = changed_bytes(draw, file.read())
        with open(path, "wb") as file:
            file.write(content)


def _renamed(draw, name):
    odd = name if draw.random() < 0.98 else some(draw, (*TEXTS, f"{name}/x.png", "train/0.png", "x/" * 300))
    return odd.encode(errors="replace").decode().replace("\0", "0")


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
            expected = [(source.height, source.width, channels, dtype) for channels, dtype in source.formats]
            found = [(*image.shape, image.dtype.name) for image in stack]
            if found != expected:
                raise Finding(f"Images of a stack are {expected}. Received: {found} of {name}")
    plain = json.loads(json.dumps(data.manifest.to_json()))
    again = Manifest.from_json(plain)
    if again.changes(data.manifest):
        raise Finding(f"A manifest comes back from JSON. Received: {again.changes(data.manifest)}")
    check_summary(json.loads(json.dumps(data.manifest.summary())))


def _listed(folder):
    return sorted((place, tuple(folders), tuple(names)) for place, folders, names in os.walk(folder))
