"""Compares a training step on two Pythons, each with its TensorFlow, in two processes that take turns."""

import contextlib
import json
import os
import re
import statistics
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

TITLE = "## Two generations"
GOAL = 1.1
SECONDS = "CPU seconds:"  # Begins the line that a process prints after each step.


def by_turns(start: Callable[[str], "subprocess.Popen[str]"], pythons: Sequence[str], rounds: int) -> dict[str, Any]:
    """Measures a step on each Python by turns, step by step.

    Args:
      start: Python -> a new process of the benchmark `step`, with pipes of text.
      pythons: This Python and the other one.
      rounds: The number of steps on each, after two of warm-up.

    Returns:
      {"versions": of each, "cpu_seconds": the median of each, "ratio": the median ratio of a round, newer to older}.
    """
    processes = {python: start(python) for python in pythons}
    seconds: dict[str, list[float]] = {python: [] for python in pythons}
    try:
        for number in range(rounds + 2):
            for python in pythons if number % 2 else pythons[::-1]:
                seconds[python].append(_one_step(processes[python]))
        found = [(_versions(processes[python]), seconds[python][2:]) for python in pythons]
    finally:
        for process in processes.values():
            process.kill()
    (older, before), (newer, now) = sorted(found, key=lambda one: [int(part) for part in one[0]["keras"].split(".")])
    return {
        "versions": [f"TensorFlow {side['tensorflow']}, Keras {side['keras']}" for side in (older, newer)],
        "cpu_seconds": [statistics.median(side) for side in (before, now)],
        "ratio": statistics.median(b / a for a, b in zip(before, now)),
    }


def _one_step(process: "subprocess.Popen[str]") -> float:
    assert process.stdin and process.stdout
    with contextlib.suppress(BrokenPipeError):  # It has ended, which the end of its output tells, too.
        process.stdin.write("\n")
        process.stdin.flush()
    for line in process.stdout:
        if line.startswith(SECONDS):
            return float(line[len(SECONDS) :])
    raise ValueError(f"A measurement failed. Received: exit status {process.wait()} of {process.args!r}")


def _versions(process: "subprocess.Popen[str]") -> dict[str, str]:
    assert process.stdin and process.stdout
    process.stdin.close()
    return json.loads(process.stdout.read().splitlines()[-1])


def section(found: Sequence[tuple[dict[str, Any], dict[str, Any]]], plan: Any, rounds: int) -> str:
    """Returns the section of BENCH.md. found: [(measurement, its figures)]."""
    height, width = plan.data.size
    older, newer = found[0][1]["versions"]
    lines = [
        TITLE,
        "",
        f"Written by `pgtf bench --other_python=PATH`: {newer}, against {older}.",
        f"{height}x{width} px, width {plan.networks.width}. CPU seconds of a step, the median of {rounds} on",
        "each side, by turns; the ratio is the median of the rounds.",
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
