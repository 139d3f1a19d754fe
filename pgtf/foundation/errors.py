"""The errors that pgtf raises and catches by name. All are ValueErrors, so that a command prints their message."""

from typing import Any


class BankError(ValueError):
    """Error of stored data that is damaged or incomplete, or of a change that would damage it."""


class Busy(ValueError):
    """Error: another process holds the folder's lock."""


class CapacityError(ValueError):
    """Error: a network of this width has no room for a further task."""


class Contradiction(ValueError):
    """Error: flags contradict a run. requested: The config with these flags."""

    def __init__(self, message: str, requested: Any) -> None:
        super().__init__(message)
        self.requested = requested


class Diverged(ValueError):
    """Error of a loss or a weight that is not finite."""


class ImageError(ValueError):
    """Error: a file does not hold a readable image."""
