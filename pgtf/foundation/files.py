"""Atomic writes, locks, and paths that do not follow symbolic links."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator

from pgtf.foundation.errors import Busy

LOCK = ".lock"
WRITING = ".writing-"  # Prefix of a temporary file, until the file is complete and renamed.


def write(path: str, content: bytes | memoryview, read_only: bool = False) -> None:
    """Writes bytes so that a crash at any moment leaves the old file or the new one, never a part."""
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = _locked_temporary(folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(temporary, 0o444 if read_only else 0o644)
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def _locked_temporary(folder: str) -> tuple[int, str]:
    """Creates a temporary file and locks it, so that `sweep` of another process leaves it."""
    while True:
        handle, path = tempfile.mkstemp(prefix=WRITING, dir=folder)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, path
        os.close(handle)  # Swept before it was locked.


def sweep(folder: str) -> None:
    """Removes the temporary files that killed processes left in a folder and below. Does not follow links."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if name.startswith(WRITING) and os.path.isfile(path):
                # An OSError: it is a link, it is locked, or it is gone.
                with contextlib.suppress(OSError), open(path, "rb", opener=_unfollowed) as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(path)


def sync_folder(folder: str) -> None:
    """Flushes a folder to disk, so that renames in it survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(content: bytes) -> str:
    """Returns the SHA-256 of bytes, as hex."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: str) -> str:
    """Returns the SHA-256 of a file, as hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def inside(folder: str, *parts: str) -> str:
    """Joins `parts` to the path of a folder. Raises ValueError if one of them is a symbolic link.

    Use it for every path that is written or removed in a run. A run may be untrusted, and a link in it can lead
    anywhere.
    """
    path = folder
    for part in parts:
        path = os.path.join(path, part)
        if os.path.islink(path):
            raise ValueError(
                "Files are not written or removed through a link. Remove the link. "
                f"Received: {path}, a link to {os.readlink(path)}"
            )
    return path


def remove(folder: str, *parts: str) -> None:
    """Removes a file or a folder if it exists.

    A symbolic link is removed without its target. The folders above it must not be links.
    """
    path = os.path.join(inside(folder, *parts[:-1]), *parts[-1:])
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path) if stat.S_ISDIR(os.lstat(path).st_mode) else os.unlink(path)


@contextlib.contextmanager
def locked(folder: str, work: str = "trains in a run directory") -> Iterator[None]:
    """Locks a folder against other processes until the block, or the process, ends.

    Args:
      folder: The folder; it is created if needed.
      work: What the lock protects, for the error message: "One process at a time …".
    """
    os.makedirs(folder, exist_ok=True)
    with open(inside(folder, LOCK), "a+", opener=_unfollowed) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Busy(
                f"One process at a time {work}. Received: {folder}, where process "
                f"{file.read().strip() or 'unknown'} is at work"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)
