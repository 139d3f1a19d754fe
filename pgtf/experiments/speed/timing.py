"""Timing of the sides of a comparison. They take turns: on a shared machine ratios are stable, times are not."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def by_turns(
    sides: Mapping[str, Callable[[], Any]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
    warm_up: int = 2,
) -> dict[str, list[float]]:
    """Times functions by turns: {name: function} -> {name: seconds of each round}.

    Args:
      sides: The functions.
      rounds: Number of rounds.
      clock: Returns seconds. Default: wall-clock time.
      warm_up: Number of rounds before the first one that counts. Default: 2.
    """
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + warm_up):
        for name in sorted(sides, reverse=number % 2 > 0):  # Alternate who goes first.
            begun = clock()
            sides[name]()
            times[name].append(clock() - begun)
    return {name: seconds[warm_up:] for name, seconds in times.items()}


def cpu_times(sides: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Returns {side: CPU seconds of each round} of functions that take turns, after one round of warm-up."""
    return by_turns(sides, rounds, time.process_time, warm_up=1)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Returns the median ratio over rounds. The two sides of a round run under the same load of the machine."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def compared(times: Mapping[str, Sequence[float]], base: str) -> dict[str, dict[str, float]]:
    """Returns {side: {"seconds": median, "ratio": median ratio to the side `base` in the same round}}."""
    return {
        name: {"seconds": statistics.median(seconds), "ratio": ratio(seconds, times[base])}
        for name, seconds in times.items()
    }
