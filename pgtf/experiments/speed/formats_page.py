"""The section of BENCH.md on export formats."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

TITLE = "## Formats"
INT8, MOST_TIME, MOST_LOSS = "TFLite int8", 0.5, 0.01  # Of float32's time; of KID.
BASE = "TFLite float32"

Figures = Mapping[str, Mapping[str, Any]]


def section(found: Sequence[tuple[Mapping[str, Any], Figures]], plan: Any, rounds: int, only: Sequence[str]) -> str:
    """Returns the section as text. found: [(measurement, its figures)]. only: Value of --only."""
    height, width = plan.data.size
    command = f"pgtf bench --only={','.join(only)} --image_size={height}x{width} --load_size={height}x{width}"
    command += f" --width={plan.networks.width} --bench_rounds={rounds}"
    runs = [measurement["run"] for measurement, _ in found if measurement["run"]]
    command += " --formats_of=RUN" if runs else ""
    command += " --inception=INCEPTION" if plan.run.inception else ""
    lines = [
        TITLE,
        "",
        f"Written by `{command}`.",
        f"One image a call, on one thread; CPU time, the median of {rounds} rounds in which the formats take turns.",
        "",
    ]
    for measurement, figures in found:
        size = f"{height}x{width} px, width {plan.networks.width}, random values: the difference is of one image"
        lines += [_title(measurement, figures, size), "", *_table(figures), "", *_goals(figures), ""]
    return "\n".join(lines)


def _title(measurement: Mapping[str, Any], figures: Figures, size: str) -> str:
    if not measurement["run"]:
        return f"{size}."
    task = figures[BASE]
    return f"The first task of RUN, {task['task']}, on its {task['images']} test images:"


def _table(figures: Figures) -> Iterator[str]:
    metrics = [name for name in figures[BASE] if _is_shown(name)]
    columns = ["format", "MB", "ms", f"÷ {BASE}", "mean difference"]
    for metric in metrics:
        columns += [metric, "lost"]
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for name, figure in figures.items():
        row = [name, f"{figure['megabytes']:.1f}", f"{1000 * figure['seconds']:.1f}", f"{figure['ratio']:.2f}"]
        row.append(f"{figure['differs']:.1e}")
        for metric in metrics:
            row += [f"{figure[metric]:.4f}", f"{100 * (figure[metric] / figures[BASE][metric] - 1):+.1f} %"]
        yield f"| {' | '.join(row)} |"


def _is_shown(name: str) -> bool:
    """Returns whether a metric is a column: L1 and the distances, where less is better."""
    return re.fullmatch(r"L1|[FK](ID-\d+|CD)", name) is not None


def _goals(figures: Figures) -> Iterator[str]:
    yield _goal(f"{INT8} ÷ float32, time", figures[INT8]["ratio"], MOST_TIME)
    kernel = _kernel_distance(figures[BASE])
    if kernel:
        lost = figures[INT8][kernel] / figures[BASE][kernel] - 1
        yield _goal(f"share of {kernel} that int8 loses", lost, MOST_LOSS)


def _kernel_distance(figure: Mapping[str, Any]) -> Optional[str]:
    return next((name for name in figure if _is_shown(name) and name.startswith("K")), None)


def _goal(what: str, value: float, most: float) -> str:
    return f"- {what}: {value:.3f}, asked ≤ {most}: {'met' if value <= most else 'not met'}"
