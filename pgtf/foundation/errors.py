"""The errors that pgtf raises and catches by name. All are ValueErrors, so that a command prints their message."""

from typing import Any


class BankError(ValueError):
    """Raised if stored data are damaged or incomplete, or if a change would damage them."""


class Busy(ValueError):
    """Raised if another process holds the folder's lock."""


class CapacityError(ValueError):
    """Raised if a network of this width has no room for a further task."""


class Contradiction(ValueError):
    """Raised if flags contradict a run.

    Attributes:
      requested: The config with these flags.
    """

    def __init__(self, message: str, requested: Any) -> None:
        super().__init__(message)
        self.requested = requested


class Diverged(ValueError):
    """Raised if a loss or a weight is not finite."""


class ImageError(ValueError):
    """Raised if a file holds no readable image."""
