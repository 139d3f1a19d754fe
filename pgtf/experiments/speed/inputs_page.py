"""The section of BENCH.md on reading data."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

TITLE = "## Input"
MOST_SECONDS, MOST_SHARE = 10, 0.05  # To open a data set of 100,000 files; of a step's time to read its pair.


def section(
    found: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], plan: Any, rounds: int, only: Sequence[str]
) -> str:
    """Returns the section as text. found: [(measurement, its figures)]. only: Value of --only."""
    height, width = plan.data.size
    command = f"pgtf bench --only={','.join(only)} --image_size={height}x{width} --width={plan.networks.width}"
    lines = [
        TITLE,
        "",
        f"Written by `{command} --bench_rounds={rounds}`, {os.cpu_count()} cores.",
        "Times are CPU time of the process, all threads.",
        "",
    ]
    for piece, figures in found:
        lines += [*(_reading if piece["benchmark"] == "reading" else _many_files)(piece, figures, plan), ""]
    return "\n".join(lines)


def _reading(piece, figures, plan):
    height, width = plan.data.size
    step = figures["step"]["seconds"]
    yield f"A pair of 256x512 px, read, resized, cropped and flipped, against a step on one at {height}x{width} px"
    yield f"({1000 * step:.0f} ms of CPU). Nothing is cached. Files of 16 bits and of floats have one channel."
    yield ""
    yield "| files | ms a pair | pairs a second and core | ÷ step | asked | met | cores for 50 pairs a second |"
    yield "|---|---|---|---|---|---|---|"
    for name, figure in figures.items():
        if name != "step":
            seconds, ratio = figure["seconds"], figure["ratio"]
            row = [name, f"{1000 * seconds:.1f}", f"{1 / seconds:.0f}", f"{ratio:.3f}", f"≤ {MOST_SHARE}"]
            yield f"| {' | '.join([*row, 'yes' if ratio <= MOST_SHARE else 'no', format(50 * seconds, '.1f')])} |"


def _many_files(piece, figures, plan):
    del plan
    yield f"| {piece['count']:,} pairs in a | CPU seconds to open | MiB of memory | asked | met |"
    yield "|---|---|---|---|---|"
    for name, figure in figures.items():
        met = "yes" if figure["seconds"] <= MOST_SECONDS else "no"
        yield f"| {name} | {figure['seconds']:.1f} | {figure['mib']:.0f} | ≤ {MOST_SECONDS} s | {met} |"
