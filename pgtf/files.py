"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator


def write(path: str, content: bytes | memoryview, read_only: bool = False) -> None:
    """Writes bytes so that a crash at any moment leaves the old file or the new one, never a part."""
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".writing-", dir=folder)
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


def sync_folder(folder: str) -> None:
    """Makes the renames in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(content: bytes) -> str:
    """The hex digest of bytes."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: str) -> str:
    """The hex digest of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Busy(ValueError):
    """Another process is at work there."""


@contextlib.contextmanager
def locked(folder: str, work: str = "trains in a run directory") -> Iterator[None]:
    """Keeps other processes out of a folder until the block, or the process, ends; work: what each would do there."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "a+") as file:
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
