"""Multiple-choice knapsack: one option of each item, with the least total cost within a budget of bytes."""

import math
from collections.abc import Sequence

import numpy as np

PLACES = 4096  # The budget is cut into at most this many parts, to which sizes are rounded up.


def chosen(items: Sequence[Sequence[tuple[int, float]]], budget: int) -> list[int]:
    """Chooses an option of each item.

    Args:
      items: The options of each item, (bytes, cost). Sizes are rounded up to 1/4096 of the budget.
      budget: The most bytes in all.

    Returns:
      The index of each item's option.

    Raises:
      ValueError: if the smallest options do not fit.
    """
    unit = max(1, math.ceil(budget / PLACES))
    places = budget // unit
    least = np.zeros(places + 1)  # The least cost of the items so far, within each number of units.
    choices = []
    for options in items:
        costs = np.full([len(options), places + 1], np.inf)
        for number, (size, cost) in enumerate(options):
            units = math.ceil(size / unit)
            if units <= places:
                costs[number, units:] = least[: places + 1 - units] + cost
        choices.append(np.argmin(costs, axis=0))
        least = np.min(costs, axis=0)
    if not np.isfinite(least[-1]):
        smallest = sum(min(size for size, _ in options) for options in items)
        raise ValueError(f"The budget must hold the smallest options, {smallest:,} bytes. Received: {budget:,} bytes")
    found, left = [], places
    for options, best in zip(reversed(items), reversed(choices)):
        found.append(int(best[left]))
        left -= math.ceil(options[found[-1]][0] / unit)
    return found[::-1]
