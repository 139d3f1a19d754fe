"""Prefetching: threads compute results before they are needed."""

from __future__ import annotations

import collections
import concurrent.futures
from collections.abc import Iterable, Iterator
from typing import Any, Callable


def prefetch(
    pool: concurrent.futures.Executor, work: Callable, items: Iterable, count: int
) -> Iterator[tuple[Any, concurrent.futures.Future]]:
    """Yields (item, future of work(item)) in order, with up to `count` further items submitted to the pool."""
    waiting: collections.deque[tuple[Any, concurrent.futures.Future]] = collections.deque()
    for item in items:
        waiting.append((item, pool.submit(work, item)))
        if len(waiting) > count:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()
