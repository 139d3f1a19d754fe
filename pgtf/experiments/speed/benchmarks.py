"""The table of benchmarks. Each is a function (plan of a task, rounds, **arguments) -> figures for JSON."""

from collections.abc import Callable
from typing import Any

from pgtf.experiments.speed import answers, deployment, formats, inputs, training

BENCHMARKS: dict[str, Callable[..., Any]] = {
    benchmark.__name__: benchmark
    for benchmark in (
        *(training.steps, training.step, training.precisions, training.xla, training.peak, training.first_step),
        *(training.pipeline, training.choice),
        *(deployment.serving, deployment.many, deployment.combined),
        *(answers.swap, answers.steady, answers.photos, answers.opened, answers.start),
        formats.formats,
        *(inputs.reading, inputs.many_files),
    )
}
