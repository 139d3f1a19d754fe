"""The section of BENCH.md on inference."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TITLE = "## Answers"
SWAP_GOALS = {"outer": 60, "low_rank": 60, "mixing": 250}  # Milliseconds that a swap adds, at 256 px and width 64.
KIND_NAMES = {
    "outer": "three outer levels free, int8",
    "low_rank": "low rank 16, int8",
    "mixing": "piggyback, from the first",
    "full": "full",
}
MOST_OF_PYTORCH, MOST_OF_IMPORT, MOST_OF_SINGLE, MOST_MEMORY = 0.8, 1.3, 1.5, 1.1

Found = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


def section(found: Found, plan: Any, rounds: int, only: Sequence[str]) -> str:
    """Returns the section as text. found: [(measurement, its figures)]. only: Value of --only."""
    height, width = plan.data.size
    command = f"pgtf bench --only={','.join(only)} --image_size={height} --load_size={height}"
    command += f" --width={plan.networks.width} --bench_rounds={rounds}"
    for measurement, _ in _of(found, "steady"):
        command += f" --peers={','.join(measurement['peers'])}"
    lines = [
        f"{TITLE}, {height}x{width} px, width {plan.networks.width}",
        "",
        f"Written by `{command}`: U-Net.",
        f"Times are CPU milliseconds of the process, the median of {rounds} rounds; sides take turns, and a ratio is",
        "the median of the rounds' ratios. Weights are random: speed does not depend on them.",
        "",
    ]
    papers = (height, width, plan.networks.width) == (256, 256, 64)  # The size that the goals for swaps are of.
    for part in (_swaps(found, SWAP_GOALS if papers else {}), _steady(found), _others(found)):
        lines += [*part, ""]
    return "\n".join(lines)


def _of(found: Found, name: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return [(measurement, figures) for measurement, figures in found if measurement["benchmark"] == name]


def _swaps(found: Found, goals: Mapping[str, int]) -> Iterator[str]:
    if not _of(found, "swap"):
        return
    yield (
        "| later tasks are | the same task again | another task, its kernels in memory | another, kernels composed |"
        + (" asked | met | built for it alone (before) | composed ÷ before |")
    )
    yield "|---|---|---|---|---|---|---|---|"
    for measurement, figures in _of(found, "swap"):
        kind, goal = measurement["kind"], goals.get(measurement["kind"])
        milliseconds = {side: 1000 * figure["seconds"] for side, figure in figures.items()}
        met = ("yes" if milliseconds["new"] - milliseconds["same"] <= goal else "no") if goal else "–"
        row = [KIND_NAMES[kind], *(f"{milliseconds[side]:.0f}" for side in ("same", "again", "new"))]
        row += [f"≤ {goal} more" if goal else "–", met, f"{milliseconds['built']:.0f}"]
        yield f"| {' | '.join([*row, format(milliseconds['new'] / milliseconds['built'], '.2f')])} |"


def _steady(found: Found) -> Iterator[str]:
    if not _of(found, "steady"):
        return
    yield "| batch | an answer by | ms | ÷ float32 |"
    yield "|---|---|---|---|"
    for _, figures in _of(found, "steady"):
        for batch, sides in figures.items():
            for side, figure in sorted(sides.items(), key=lambda item: item[1]["ratio"]):
                yield f"| {batch} | {side} | {1000 * figure['seconds']:.0f} | {figure['ratio']:.2f} |"


def _others(found: Found) -> Iterator[str]:
    for _, figures in _of(found, "steady"):
        others = [sides["ratio"] for name, sides in figures["1"].items() if "orch" in name]
        if others:
            yield _goal("an answer in float32 ÷ PyTorch's best, batch 1", 1 / min(others), MOST_OF_PYTORCH)
    for _, figures in _of(found, "photos"):
        took, count = figures["folder"], figures["images"]
        rate = f"{count / took['seconds']:.1f} images per CPU second, {took['ratio']:.2f} of the answers' time"
        yield f"- a folder of {count} JPEG files, decoding and PNG files included: {rate}"
    for measurement, figures in _of(found, "opened"):
        imported, one, *more = figures["mib"]
        count, slices, last = measurement["tasks"], figures["slices_mib"], figures["mib"][-1]
        yield (
            f"- {count} open tasks (all have answered): {last:.0f} MiB; one: {one:.0f}; TensorFlow alone: "
            f"{imported:.0f}; the slices: {slices:.0f}"
        )
        if count > 2:
            share = last / (more[0] + slices)
            yield _goal(f"{count} open tasks ÷ (two open and all slices)", share, MOST_MEMORY)
    for _, figures in _of(found, "combined"):
        name = "a task of a combined SavedModel ÷ one on its own"
        yield _goal(name, figures["combined"]["ratio"], MOST_OF_SINGLE)
    for _, figures in _of(found, "start"):
        yield _goal("`pgtf translate` of one image ÷ `import tensorflow`", figures["answer"]["ratio"], MOST_OF_IMPORT)
        imported, opened, answered = (figures[side]["seconds"] for side in ("import", "opened", "answer"))
        yield (
            f"- CPU seconds of that: TensorFlow's import {imported:.1f}; pgtf's imports and the run "
            f"{opened - imported:.1f}; flags, building, tracing and running the network {answered - opened:.1f}"
        )


def _goal(what: str, value: float, most: float) -> str:
    return f"- {what}: {value:.2f}, asked ≤ {most}: {'met' if value <= most else 'not met'}"
