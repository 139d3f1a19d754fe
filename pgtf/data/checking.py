"""Which images can't be read: found out once, before the first of them is used."""

from __future__ import annotations

import concurrent.futures
import os

from pgtf.data.ahead import ahead
from pgtf.data.images import ImageError
from pgtf.data.sources import Source
from pgtf.progress import Bar

WORKERS = min(4, os.cpu_count() or 1)
NAMED = 10  # More than these are counted.


def unreadable(source: Source, bar: Bar) -> dict[int, ImageError]:
    """{index: error} of the images that can't be read, of all of them, each read once."""
    found, done = {}, bar.done
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for index, reading in ahead(pool, source.__getitem__, range(len(source)), 2 * WORKERS):
            try:
                reading.result()
            except ImageError as error:
                found[index] = error
            bar.show(done + index + 1)
    return found


def some(messages: list[str]) -> str:
    """Messages, a line each: the first ten, and how many more there are."""
    more = len(messages) - NAMED
    return "\n".join(messages[:NAMED] + ([f"and {more} more"] if more > 0 else []))
