"""BENCH.md, made from the measurements."""

import os

from pgtf.experiments.speed.plot import runs_of

NO_GOAL = (
    "Piggyback ÷ full has no goal: whatever is done, the discriminator's part of a step stays, and a later task's\n"
    "multiply-adds are those of a full step (last column)."
)
LOST = 0.05  # A choice that loses less of the time than this counts as good.

# (title, measurement, path of its figure, "most" or "least", goal)
GOALS = [
    *[
        (f"bfloat16 ÷ float32, task {task}, batch {batch}, U-Net", dict(benchmark="precisions", network="unet",
         task=task, batch=batch), ("mixed_bfloat16", "ratio"), "most", 0.60)
        for task in (1, 2) for batch in (1, 4)
    ],
    *[
        (f"a full step's share of the matrix products' rate, {precision}, batch {batch}", dict(benchmark="peak",
         network="unet", batch=batch, precision=precision), ("share",), "least", 0.60)
        for precision in ("float32", "mixed_bfloat16") for batch in (1, 4)
    ],
    ("throughput on streamed images ÷ bare steps", dict(benchmark="pipeline"), ("throughput",), "least", 0.95),
    ("seconds to the first step, task 2, U-Net", dict(benchmark="first_step", network="unet", task=2), ("seconds",),
     "most", 20),
    ("seconds to the first step, task 2, CycleGAN", dict(benchmark="first_step", network="resnet", task=2),
     ("seconds",), "most", 40),
    *[
        (f"layers where the chosen of composing and mixing is the cheaper (or {LOST:.0%} of time is lost), {precision}",
         dict(benchmark="choice", precision=precision), ("cheaper",), "least", 0.90)
        for precision in ("float32", "mixed_bfloat16")
    ],
]  # fmt: skip


def page(found, plan, rounds):
    """Returns the page as text. found: [(measurement, its figures)]."""
    height, width = plan.data.size
    lines = [
        "# Speed",
        "",
        f"Written by `make bench`: {height}x{width} px, width {plan.networks.width}, {os.cpu_count()} cores.",
        f"Each ratio is the median of {rounds} alternating rounds in one process. Times depend on the machine's load.",
        "",
        "| goal | asked | measured | met |",
        "|---|---|---|---|",
    ]
    missed: list[str] = []
    for what, wanted, path, bound, goal in GOALS:
        figures = _of(found, wanted)
        if figures is None:
            continue
        value = figures
        for name in path:
            value = value[name]
        met = value <= goal if bound == "most" else value >= goal
        met = met or figures.get("loss", 1.0) < LOST
        lines.append(f"| {what} | {'≤' if bound == 'most' else '≥'} {goal} | {value:.2f} | {'yes' if met else 'no'} |")
        if not met and "spent" in figures:
            missed.append(f"- {what}: " + ", ".join(f"{name} {share:.0%}" for name, share in figures["spent"]))
        elif not met and "loss" in figures:
            missed.append(f"- {what}: the {figures['of']} choices lose {figures['loss']:.1%} of time on average")
    if missed:
        lines += ["", "The most expensive operations where a goal was missed, as shares of the time:", "", *missed]
    lines += ["", NO_GOAL]
    return "\n".join([*lines, "", *_steps(found), "", *_many(found), "", *_others(found), ""])


def _of(found, wanted):
    """Returns the figures of the first measurement that matches; None if there is none."""
    return next((figures for measurement, figures in found if wanted.items() <= measurement.items()), None)


def _counted(figures):
    """Returns a step's multiply-adds divided by the full step's."""
    return figures["chosen"]["operations"] / figures["full"]["operations"]


def _steps(found):
    heads = ["a step of", "batch", "precision", "task", "borrows from", "full, s", "composed ÷ full", "chosen ÷ full"]
    yield f"| {' | '.join([*heads, 'multiply-adds, chosen ÷ full'])} |"
    yield "|---" * (len(heads) + 1) + "|"
    for measurement, figures in found:
        if measurement["benchmark"] == "steps":
            what = [measurement[name] for name in ("network", "batch", "precision", "task")]
            what.append(measurement.get("borrow_from", "all"))
            ratios = [f"{figures[side]['ratio']:.2f}" for side in ("composed", "chosen")]
            full = f"{figures['full']['seconds']:.2f}"
            yield f"| {' | '.join(map(str, [*what, full, *ratios, format(_counted(figures), '.2f')]))} |"


def _many(found):
    if not runs_of(found):
        return
    lenders = list(runs_of(found)[0][1]["shares"])
    yield (
        "| tasks | open one and answer, s | ÷ one of 2 | memory of that, GiB | list, s | "
        + " | ".join(f"the last stores, `{name}`" for name in lenders)
        + " |"
    )
    yield "|---" * (5 + len(lenders)) + "|"
    for tasks, figures in runs_of(found):
        opened, shares = figures["open"], (f"{figures['shares'][name]:.1%}" for name in lenders)
        row = [tasks, f"{opened['seconds']:.2f}", f"{opened['ratio']:.2f}", f"{figures['peak_gib']:.2f}"]
        yield f"| {' | '.join(map(str, [*row, format(figures['list']['seconds'], '.3f'), *shares]))} |"


def _others(found):
    for measurement, figures in found:
        name, network = measurement["benchmark"], measurement["network"]
        if name == "precisions":
            took = figures["mixed_bfloat16"]["ratio"]
            where = f"{network}, task {measurement['task']}, batch {measurement['batch']}"
            yield f"- {where}: bfloat16 takes {took:.2f} of float32"
        elif name == "xla":
            took = figures["xla"]["ratio"]
            yield f"- {network}, task {measurement['task']}: a step that XLA compiles takes {took:.2f} of the time"
        elif name == "peak":
            counted = f"{figures['operations'] / 1e9:.0f} billion multiply-adds"
            rate = f"{counted}, {figures['share']:.0%} of the products' rate"
            yield f"- {network}, batch {measurement['batch']}, {measurement['precision']}: a full step is {rate}"
        elif name == "first_step":
            rest = f"{figures['seconds']:.0f} s to the end of the first step, {figures['peak_gib']:.1f} GiB at most"
            yield f"- {network}, task {measurement['task']}: {rest}"
        elif name == "serving":
            yield f"- a served network takes {figures['exported']['ratio']:.3f} of stock Keras's time"
        elif name == "choice":
            precision, loss = measurement["precision"], figures["loss"]
            yield f"- {precision}: of {figures['of']} layers the choice loses {loss:.1%} on average"
        elif name == "combined":
            sizes, ratio = figures["megabytes"], figures["combined"]["ratio"]
            yield f"- four tasks as one SavedModel: {sizes['combined']:.1f} MB, one task: {sizes['one']:.1f} MB"
            yield f"- a task of that SavedModel answers in {ratio:.2f} of the time of one in its own"
