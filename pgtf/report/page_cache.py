"""PageCache: stores pictures, plots and outputs of a report on disk, by the facts that they depend on."""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Any, Callable

from pgtf.foundation import files


class PageCache:
    """A cache folder. Without one, every part is computed.

    Several processes may use one folder at once: each recomputes what another one has removed.

    Args:
      folder: Folder of the cache.
    """

    def __init__(self, folder: str = ""):
        self.folder = folder
        self._used: set[str] = set()

    def load_or_make(self, facts: Any, make: Callable[[], bytes]) -> bytes:
        """Reads the part of these facts (JSON data), or computes and stores it."""
        name = files.sha256(json.dumps(facts, sort_keys=True).encode())[:32]
        self._used.add(name)
        path = os.path.join(self.folder, name)
        if self.folder:
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
                digest, content = file.readline().strip(), file.read()
                if digest.decode("ascii", "replace") == files.sha256(content):
                    return content
        content = make()
        if self.folder:
            files.write(path, files.sha256(content).encode() + b"\n" + content)
        return content

    def remove_unused(self) -> None:
        """Removes the parts that were not used since this object was created.

        Keeps files that other processes are writing, whose names are not names of parts.
        """
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            if name not in self._used and re.fullmatch("[0-9a-f]{32}", name):
                files.remove(self.folder, name)
