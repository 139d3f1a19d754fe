"""Sample pictures after each task, from disk."""

from typing import Callable

import numpy as np
import tensorflow as tf

from pgtf.data.rgb_images import png, to_input
from pgtf.foundation import files
from pgtf.objectives import Objective
from pgtf.objectives.translation import apply_network, floats, grid
from pgtf.runs.run import Task
from pgtf.storage import run_paths

COMPARED = 8  # Tasks whose outputs for one input are shown side by side.


def write_samples(
    open_task: Callable[[int, int], Task], index: int, after: str, objective: Objective, run_dir: str
) -> None:
    """Writes sample pictures of a new task to samples/ and to TensorBoard, and of earlier tasks that it answers for.

    Pictures of other tasks stay as they are: their replays are equal.

    Args:
      open_task: (index, latest) -> a task from disk, as it answers after the latest one.
      index: Index of the new task.
      after: Its name.
      objective: The run's objective.
      run_dir: The run directory.
    """
    shown, first_compared = {}, max(0, index + 1 - COMPARED)
    probes = open_task(index, index).probes
    compared = objective.common_inputs and index
    given = probes.inputs["forward"]
    columns = [floats(given)] if given.ndim == 4 else []  # Latents are no pictures.
    for number in range(index + 1):
        task = open_task(number, index)
        if not task.has_probes:
            continue
        if number == index or task.answered_by:
            previews = objective.preview(task.networks, task.probes.inputs, task.probes.targets)
            shown.update({f"{task.name}/{title}": picture for title, picture in previews.items()})
        if (
            compared
            and number >= first_compared
            and (given.ndim != 4 or task.facts.architecture.inputs == given.shape[-1])
        ):
            columns.append(apply_network(task.networks["forward"], to_input(given)))
    if compared:
        shown[f"{after}/one input, tasks {first_compared + 1} to {index + 1}"] = grid(zip(*columns))
    writer = tf.summary.create_file_writer(files.inside(run_dir, run_paths.TENSORBOARD))
    with writer.as_default(index + 1):
        for title, picture in shown.items():
            tf.summary.image(title, picture[None])
            _save(run_dir, run_paths.picture(index, title), picture)
    writer.close()
    # The last one says that all are there; it is something to try the task on, too.
    _save(run_dir, run_paths.example(after), objective.example(probes))


def _save(run_dir: str, name: str, picture: np.ndarray) -> None:
    files.write(files.inside(run_dir, run_paths.SAMPLES, name), png(picture))
