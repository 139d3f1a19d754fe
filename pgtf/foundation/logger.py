"""The logger of pgtf, `LOG`. It prints nothing until a program gives it a handler; the command line does."""

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
