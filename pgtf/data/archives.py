"""Archives: .zip, .tar and .tar.gz files whose files are read in place, as those of a folder.

A path continues in an archive: DATA/TASK.zip/train/1.png. A .zip or .tar is not unpacked. A .tar.gz cannot be read in
any order, so it is decompressed once a process, into a temporary file without a name.
"""

from __future__ import annotations

import functools
import gzip
import math
import os
import re
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple, Union

from pgtf.foundation.errors import ImageError
from pgtf.foundation.progress import Bar

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")
_ARCHIVE = re.compile(r"(?i)\.(?:zip|tar|tar\.gz|tgz)(?=/|$)")
# Limits against bombs: bytes of a file, and bytes per byte of its archive beyond PLAIN bytes.
LIMIT, RATIO, PLAIN = 2**31, 100, 2**28
DEEPEST = 64  # Most folders above a file.
BLOCK = 2**20
MOMENT = 2.0  # Seconds before a progress bar is shown.
# Folders of splits and sides. A single folder of another name around everything in an archive is left out.
SPLITS = re.compile(r"(train|val|valid|validation|test)?[AB]?")
LEFT_OUT = "__MACOSX"  # What macOS adds to archives, beside hidden files.


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
      place: Byte of the archive at which its content begins, or its header in a .zip.
      stored: Number of its bytes in the archive.
      size: Number of its bytes.
      checksum: CRC-32 of its content; None in a .tar, which has none.
      deflated: Whether it is compressed.
      problem: Reason why it is not read; "" if it is.
    """

    place: int
    stored: int
    size: int
    checksum: int | None = None
    deflated: bool = False
    problem: str = ""


Node = Union[Member, dict[str, "Node"]]


class Archive:
    """The folders and files of an archive, without the folder that is around all of them.

    Raises ValueError if it is damaged, or names a file twice or outside of itself.
    """

    def __init__(self, path: str):
        self.path, self.root = path, dict[str, Node]()
        try:
            self._file = _decompressed(path) if path.lower().endswith("gz") else open(path, "rb")  # noqa: SIM115
            for name, member in (_zipped if path.lower().endswith(".zip") else _tarred)(self._file):
                self._add(name, member)
        except Exception as error:  # Its readers raise exceptions of almost any type for broken files.
            why = str(error) or type(error).__name__
            raise ValueError(
                f"An archive must be a readable {', '.join(ENDINGS)}. Received: {path!r} ({why})"
            ) from error
        while len(self.root) == 1:
            ((name, node),) = self.root.items()
            if SPLITS.fullmatch(name) or not isinstance(node, dict):
                break
            self.root = node

    def at(self, name: str) -> Node | None:
        """Returns the file, or the folder as {name: node}, at a path; None if there is none."""
        node: Node | None = self.root
        for part in filter(None, os.path.normpath(f"./{name}").split("/")):
            if part != ".":
                node = node.get(part) if isinstance(node, dict) else None
        return node

    def read(self, member: Member) -> bytes:
        """Returns the content of a file. Raises ImageError if it can't be read or differs from the archive's list."""
        if member.problem:
            raise ImageError(member.problem)
        place = member.place
        if member.checksum is not None:
            head = os.pread(self._file.fileno(), 30, place)
            if head[:4] != b"PK\3\4":
                raise ImageError("the archive is damaged at this file")
            place += 30 + sum(struct.unpack("<HH", head[26:]))
        content = os.pread(self._file.fileno(), member.stored, place)
        if member.deflated:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, member.size + 1)
        if len(content) != member.size or member.checksum not in (None, zlib.crc32(content)):
            raise ImageError("its content is not what the archive's list says")
        return content

    def _add(self, name: str, member: Member | None) -> None:
        """Adds a file, or a folder if it has no member."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts or name.startswith("/") or re.match("[A-Za-z]:", name) or len(parts) > DEEPEST:
            raise ValueError(f"it names a file outside of itself, or too deep in folders: {name!r:.200}")
        if not parts or parts[0] == LEFT_OUT or any(part.startswith(".") for part in parts):
            return
        *folders, last = parts
        node = self.root
        for part in folders if member else parts:
            inner = node.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ValueError(f"it has a file and a folder of the same name: {name!r:.200}")
            node = inner
        if member:
            if last in node:
                raise ValueError(f"it has two files of the same name: {name!r:.200}")
            node[last] = member


def inside(path: str) -> tuple[Archive, Node | None] | None:
    """Returns (archive, node) of a path that leads into an archive; None for a path that does not."""
    for match in _ARCHIVE.finditer(path):
        place = path[: match.end()]
        try:
            status = os.stat(place)
        except (OSError, ValueError):
            return None
        if stat.S_ISREG(status.st_mode):
            archive = _opened(place, status.st_mtime_ns, status.st_size)
            return archive, archive.at(path[match.end() :])
    return None


@functools.lru_cache(maxsize=256)
def _opened(path: str, *stamp: int) -> Archive:
    del stamp  # A file that has changed is another archive.
    return Archive(path)


def _zipped(file: IO[bytes]) -> Iterator[tuple[str, Member | None]]:
    total = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            problem = ""
            if info.flag_bits & 1:
                problem = "it is encrypted; make the archive without a password"
            elif stat.S_ISLNK(info.external_attr >> 16):
                problem = "it is a link; put the file itself into the archive"
            elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                problem = "its compression is not read; make the archive with deflate"
            elif info.header_offset < 0 or info.header_offset + info.compress_size > total:
                problem = "it lies outside of the archive"
            elif info.file_size > LIMIT or info.file_size > max(PLAIN, RATIO * info.compress_size):
                problem = f"its {info.file_size:,} bytes do not fit into {info.compress_size:,}"
            sizes = info.header_offset, info.compress_size, info.file_size, info.CRC
            deflated = info.compress_type == zipfile.ZIP_DEFLATED
            name = info.filename.replace("\\", "/")  # Some programs of Windows write the other one.
            yield name, None if info.is_dir() else Member(*sizes, deflated, problem)


def _tarred(file: IO[bytes]) -> Iterator[tuple[str, Member | None]]:
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for info in iter(archive.next, None):
            archive.members.clear()  # type: ignore[attr-defined]  # Else each takes a kilobyte.
            problem = (
                "" if info.isreg() and not info.issparse() else "it is a link, a device or sparse; store it plainly"
            )
            if info.size > LIMIT:
                problem = f"its {info.size:,} bytes are more than pgtf reads of one image"
            yield info.name, None if info.isdir() else Member(info.offset_data, info.size, info.size, problem=problem)
        # A damaged header ends the list, too; the end has zeros.
        if os.pread(file.fileno(), tarfile.BLOCKSIZE, archive.offset) != bytes(tarfile.BLOCKSIZE):
            raise ValueError(f"it is damaged or cut off at byte {archive.offset:,}")


def _decompressed(path: str) -> IO[bytes]:
    """Returns the content of a .gz file, in a temporary file that ends with the process."""
    size, done = os.path.getsize(path), 0
    most = max(4 * PLAIN, RATIO * size)
    bar = Bar(f"{os.path.basename(path)}: reading", math.ceil(size / BLOCK), "MiB", silent=MOMENT)
    unpacked = tempfile.TemporaryFile(prefix="pgtf-")  # noqa: SIM115
    with open(path, "rb") as packed, gzip.GzipFile(fileobj=packed) as content:
        while block := content.read(BLOCK):
            done += len(block)
            if done > most:
                raise ValueError(f"it has more than {most:,} bytes, which do not fit into {size:,}")
            unpacked.write(block)
            bar.show(packed.tell() // BLOCK)
    unpacked.seek(0)
    return unpacked
