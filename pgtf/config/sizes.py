"""Sizes of images as flags have them: "256" or "256x512"."""

from pgtf.foundation.settings import refuse

DIGITS = 5  # Of a size in pixels.


def pixels(name: str, text: str) -> tuple[int, int]:
    """Returns a flag's "256" or "256x512" as (height, width)."""
    sides = str(text).split("x")
    # Not by value: Python converts no text of thousands of digits.
    if len(sides) > 2 or not all(side.isdecimal() and len(side) <= DIGITS for side in sides):
        refuse(name, f"pixels, as in 256 or 256x512 (height x width), of at most {DIGITS} digits", text)
    return int(sides[0]), int(sides[-1])
