"""Work that threads begin before its results are asked for."""

from __future__ import annotations

import collections
import concurrent.futures
from collections.abc import Iterable, Iterator
from typing import Any, Callable


def prefetch(
    pool: concurrent.futures.Executor, work: Callable, items: Iterable, count: int
) -> Iterator[tuple[Any, concurrent.futures.Future]]:
    """(item, the future of work(item)) in order, with the work on the next `count` items begun."""
    waiting: collections.deque[tuple[Any, concurrent.futures.Future]] = collections.deque()
    for item in items:
        waiting.append((item, pool.submit(work, item)))
        if len(waiting) > count:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()
