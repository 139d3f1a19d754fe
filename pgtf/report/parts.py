"""What a report is put together from, kept on disk under what it follows from, so that the next report is quick."""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Any, Callable

from pgtf.foundation import files


class Parts:
    """A folder of parts; without one, every part is made anew.

    Several processes may use one folder at once: each makes anew what another one has removed.

    Args:
      folder: Where they lie.
    """

    def __init__(self, folder: str = ""):
        self.folder = folder
        self._used: set[str] = set()

    def of(self, facts: Any, make: Callable[[], bytes]) -> bytes:
        """The part that follows from these facts (plain data): read back, or made and kept."""
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

    def forget_unused(self) -> None:
        """Removes the parts that nobody asked for since this object was made.

        Leaves files that another process writes at this moment, which have no part's name.
        """
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            if name not in self._used and re.fullmatch("[0-9a-f]{32}", name):
                files.remove(self.folder, name)
