"""Hashes that identify images and networks."""

import os

from pgtf.foundation import files
from pgtf.metrics.image_checks import checked_any


def files_sha256(paths) -> str:
    """Hashes the names and contents of files, in order."""
    return _listed((os.path.basename(path), _content(path)) for path in paths)


def images_sha256(images) -> str:
    """Hashes the sizes and pixels of images, uint8 RGB or float32 [n, h, w, c], in order."""
    return _listed((str(image.shape), image.tobytes()) for image in checked_any(images))


def arrays_sha256(arrays: dict) -> str:
    """Hashes the names, types, shapes and values of {name: array}."""
    return _listed((f"{name} {array.dtype} {array.shape}", array.tobytes()) for name, array in sorted(arrays.items()))


def folder_sha256(folder: str) -> str:
    """Hashes the relative paths and contents of all files in a folder and its subfolders."""
    paths = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    return _listed((os.path.relpath(path, folder), _content(path)) for path in paths)


def _listed(named):
    return files.sha256("\n".join(f"{files.sha256(content)} {name}" for name, content in named).encode())


def _content(path):
    with open(path, "rb") as file:
        return file.read()
