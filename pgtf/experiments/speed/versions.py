"""Compares a training step on two Pythons, each with its TensorFlow, in processes that alternate."""

import os
import re
import statistics
from collections.abc import Callable, Sequence
from typing import Any

TITLE = "## Two generations"
GOAL = 1.1


def by_turns(pythons: Sequence[str], rounds: int, measure: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Measures a step on each Python by turns.

    Args:
      pythons: This Python and the other one.
      rounds: The number of processes on each.
      measure: Python -> the figures of the benchmark `step`, from a new process.

    Returns:
      {"versions": of each, "cpu_seconds": the median of each, "ratio": the median ratio of a round, newer to older}.
    """
    found: dict[str, list[dict[str, Any]]] = {python: [] for python in pythons}
    for number in range(rounds):
        for python in pythons if number % 2 else pythons[::-1]:
            found[python].append(measure(python))
    older, newer = sorted(found.values(), key=lambda figures: [int(part) for part in figures[0]["keras"].split(".")])
    return {
        "versions": [f"TensorFlow {side[0]['tensorflow']}, Keras {side[0]['keras']}" for side in (older, newer)],
        "cpu_seconds": [statistics.median(one["cpu_seconds"] for one in side) for side in (older, newer)],
        "ratio": statistics.median(b["cpu_seconds"] / a["cpu_seconds"] for a, b in zip(older, newer)),
    }


def section(found: Sequence[tuple[dict[str, Any], dict[str, Any]]], plan: Any, rounds: int) -> str:
    """Returns the section of BENCH.md. found: [(measurement, its figures)]."""
    height, width = plan.data.size
    older, newer = found[0][1]["versions"]
    lines = [
        TITLE,
        "",
        f"Written by `pgtf bench --other_python=PATH`: {newer}, against {older}.",
        f"{height}x{width} px, width {plan.networks.width}. CPU seconds of a step, the median of {rounds} processes",
        "each, by turns; the ratio is the median of the rounds.",
        "",
        "| a step of | batch | task | older, s | newer, s | newer ÷ older | asked | met |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for measurement, figures in found:
        what = [str(measurement[name]) for name in ("network", "batch", "task")]
        what += [f"{seconds:.3f}" for seconds in figures["cpu_seconds"]]
        what += [f"{figures['ratio']:.2f}", f"≤ {GOAL}", "yes" if figures["ratio"] <= GOAL else "no"]
        lines.append(f"| {' | '.join(what)} |")
    return "\n".join([*lines, ""])


def write(path: str, page: str = "", own: str = "") -> None:
    """Writes BENCH.md: the page and its sections. Keeps the parts that are not given.

    Args:
      path: The file.
      page: The page, without sections.
      own: One section. It replaces the section with the same first line, ## and a title.
    """
    before = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = file.read()
    kept, *rest = re.split(r"(?m)^(?=## )", before)
    sections = {text.partition("\n")[0]: text for text in (*rest, *filter(None, [own]))}
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(text.rstrip("\n") + "\n" for text in (page or kept, *sections.values())))
