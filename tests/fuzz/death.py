"""A death within this process: from a certain change of a file on, none succeeds, as if it had been killed then."""

import contextlib
import os
import sys
from collections.abc import Iterator

from tests.fuzz.dying import CHANGES

_left, _folder, _hooked = 0, "", False


class Killed(BaseException):
    """The process is dead."""


@contextlib.contextmanager
def dead_from(change: int, folder: str) -> Iterator[list[bool]]:
    """Lets change number `change` of a file below a folder fail, and all later ones; what is yielded fills once dead.

    Unlike an error, which is tidied up after: the tidying fails too.
    """
    global _left, _folder, _hooked
    if not _hooked:
        sys.addaudithook(_watch)  # For as long as the process lives.
        _hooked = True
    died: list[bool] = []
    _left, _folder = change, folder
    try:
        yield died
    except Killed:
        died.append(True)
    finally:
        _left, _folder = 0, ""


def _watch(event, facts):
    global _left
    if not _folder:
        return
    opened = event == "open" and isinstance(facts[2], int) and facts[2] & (os.O_WRONLY | os.O_RDWR)
    if (opened or event in CHANGES) and any(str(fact).startswith(_folder) for fact in facts[:2]):
        _left -= 1
        if _left <= 0:
            raise Killed
