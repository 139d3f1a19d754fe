"""Group: the base class of groups of settings; and parsers of flag values, such as percentages and sizes."""

import dataclasses

from pgtf.foundation import settings
from pgtf.foundation.settings import refuse

DIGITS = 5  # Of a size in pixels.


@dataclasses.dataclass(frozen=True)
class Group:
    """A frozen dataclass of settings, checked when it is made."""

    def __post_init__(self) -> None:
        settings.check(self)
        self.check()

    def check(self) -> None:
        """Raises ValueError if the group's settings contradict each other."""


def percentage(name: str, text: str) -> float:
    """Parses a percentage, such as "2%", to a fraction, 0.02. name: The flag, for the error message."""
    try:
        value = float(text.removesuffix("%")) / 100 if text.endswith("%") else 0.0
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        refuse(name, "a percentage of a full network, such as 2%", text)
    return value


def pixels(name: str, text: str) -> tuple[int, int]:
    """Parses a size, "256" or "256x512", to (height, width). name: The flag, for the error message."""
    sides = str(text).split("x")
    # Not by value: Python converts no text of thousands of digits.
    if len(sides) > 2 or not all(side.isdecimal() and len(side) <= DIGITS for side in sides):
        refuse(name, f"pixels, as in 256 or 256x512 (height x width), of at most {DIGITS} digits", text)
    return int(sides[0]), int(sides[-1])
