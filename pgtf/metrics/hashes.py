"""What images and networks are, as hashes."""

import os

from pgtf.foundation import files
from pgtf.metrics.image_checks import checked


def files_sha256(paths) -> str:
    """The hash of a list of files: of names and contents, in order."""
    return _listed((os.path.basename(path), _content(path)) for path in paths)


def images_sha256(images) -> str:
    """The hash of uint8 [n, h, w, 3]: of sizes and pixels, in order."""
    return _listed((str(image.shape), image.tobytes()) for image in checked(images))


def arrays_sha256(arrays: dict) -> str:
    """The hash of {name: array}: of names, types, sizes and values."""
    return _listed((f"{name} {array.dtype} {array.shape}", array.tobytes()) for name, array in sorted(arrays.items()))


def folder_sha256(folder: str) -> str:
    """The hash of all files below a folder: of relative paths and contents."""
    paths = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    return _listed((os.path.relpath(path, folder), _content(path)) for path in paths)


def _listed(named):
    return files.sha256("\n".join(f"{files.sha256(content)} {name}" for name, content in named).encode())


def _content(path):
    with open(path, "rb") as file:
        return file.read()
