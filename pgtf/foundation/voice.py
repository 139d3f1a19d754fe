"""The logger of pgtf. It is silent, unless the command line, or a program that uses pgtf, gives it a handler."""

import contextlib
import logging
from collections.abc import Iterator

LOG = logging.getLogger("pgtf")
LOG.addHandler(logging.NullHandler())


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Drops all messages inside the block. Workers use it where the chief logs the same."""
    before, LOG.disabled = LOG.disabled, True
    try:
        yield
    finally:
        LOG.disabled = before
