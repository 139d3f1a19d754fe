"""Plain data for reports: small, and such that shuffled pictures show."""

import numpy as np
from PIL import Image

from pgtf.metrics.matrix import Matrix
from pgtf.report.content import Direction, InputThroughTasks, Later, ReportedRun, ReportedTask
from pgtf.runs.describe import Measured
from pgtf.storage.probes import Replay

SAME = Replay(0.0, True)


def pictures(count, seed, side=8):
    """Different pictures, photo-like: smooth."""
    small = np.random.default_rng(seed).integers(
        0, 256, (count, max(2, side // 8), max(2, side // 8), 3), dtype="uint8"
    )
    return [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in small]


def task(name, number, after=(), replay=SAME, side=8, **changes):
    """A learnt task, after which others were learnt."""
    inputs, outputs, targets = (pictures(2, 10 * number + kind, side) for kind in range(3))
    kept = replay is None or replay.holds
    later = [Later(one, outputs if kept else pictures(2, 999 + place, side), replay) for place, one in enumerate(after)]
    told = dict(
        facts={"Steps": "10"},
        ways=(Direction("forward", inputs, outputs, targets),),
        later=tuple(later),
        curves={"l1": ([5, 10], [0.5, 0.25])},
        stored_bytes=1e6,
        full_bytes=4e6,
    )
    return ReportedTask(name, number, True, **{"step": 10, **told, **changes})


def run(names=("facades", "maps"), replay=SAME, measured=True, side=8, **changes):
    """A run whose tasks are all learnt."""
    tasks = tuple(task(name, index + 1, names[index + 1 :], replay, side) for index, name in enumerate(names))
    outputs = {one.name: one.ways[0].outputs[0] for one in tasks}
    rows = [[None] * row + [float(row + 1)] * (len(names) - row) for row in range(len(names))]
    matrix = Matrix(tuple(names), tuple(names), {"FID-768": rows, "PSNR": rows})
    told = dict(
        folder="runs/made",
        method="piggyback",
        meaning="Kernels are mixed.",
        tasks=tasks,
        command="pgtf train --run_dir=again",
        stored_bytes=1e6 * len(names),
        through=(InputThroughTasks(names[0], tasks[0].ways[0].inputs[0], outputs),),
        measured=Measured(matrix, conditions={"FID-768": "the same", "PSNR": "the same"}) if measured else None,
    )
    return ReportedRun("made", **{**told, **changes})
