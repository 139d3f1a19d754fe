"""What data a task has: which files, of which sizes."""

from __future__ import annotations

import dataclasses
import os
import stat

from pgtf.data.images import is_image_name


@dataclasses.dataclass(frozen=True)
class ImageFiles:
    """The image files of a folder, {name: bytes} in order, and those of them that are left out as unreadable."""

    folder: str
    sizes: dict[str, int]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: str) -> ImageFiles:
        """The image files that lie in a folder now."""
        sizes = {name: _size(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if is_image_name(name)}
        return cls(folder, {name: size for name, size in sizes.items() if size is not None})

    @property
    def paths(self) -> list[str]:
        """All of the files, also those left out."""
        return [os.path.join(self.folder, name) for name in self.sizes]


def _size(path):
    """The bytes of a file, 0 of a link to nowhere, None of a folder."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return None if stat.S_ISDIR(status.st_mode) else status.st_size
