"""Folders and files of data, on disk or in an archive."""

from __future__ import annotations

import io
import os
import stat
from typing import IO

from pgtf.data import archives
from pgtf.foundation.errors import ImageError


def is_folder(path: str) -> bool:
    """Returns whether a folder, or an archive, is at a path."""
    found = archives.inside(path)
    return isinstance(found[1], dict) if found else os.path.isdir(path)


def is_file(path: str) -> bool:
    """Returns whether a file is at a path. False for an archive."""
    found = archives.inside(path)
    return isinstance(found[1], archives.Member) if found else os.path.isfile(path)


def names(folder: str) -> list[str]:
    """Returns the names in a folder, in order. Raises OSError if it is none."""
    found = archives.inside(folder)
    if found is None:
        return sorted(os.listdir(folder))
    if not isinstance(found[1], dict):
        raise FileNotFoundError(f"An archive must have this folder. Received: {folder!r}")
    return sorted(found[1])


def size(path: str) -> int | None:
    """Returns the size of a file in bytes, 0 for a broken link, None for a folder."""
    found = archives.inside(path)
    if found:
        node = found[1]
        return None if isinstance(node, dict) else node.size if node else 0
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return None if stat.S_ISDIR(status.st_mode) else status.st_size


def open_file(path: str) -> tuple[IO[bytes], int]:
    """Opens a file to read. Returns (file, its size). Raises OSError or ImageError if it is no regular file."""
    found = archives.inside(path)
    if found:
        archive, node = found
        if not isinstance(node, archives.Member):
            raise FileNotFoundError("the archive has no such file")
        return io.BytesIO(archive.read(node)), node.size
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):  # Opening a pipe would block until something writes to it.
        raise ImageError("it is not a regular file")
    return open(path, "rb"), status.st_size


def task_folder(data_dir: str, task: str) -> str:
    """Returns the folder of a task's data: DATA_DIR/TASK, else an archive of that name; "" if there is neither."""
    folder = os.path.join(data_dir, task)
    return next(filter(is_folder, [folder, *(folder + ending for ending in archives.ENDINGS)]), "")


def task_of(name: str) -> str:
    """Returns the name of the task whose data are in a folder or an archive of this name."""
    return next((name[: -len(end)] for end in archives.ENDINGS[::-1] if name.lower().endswith(end)), name)
