"""Export of several tasks as one SavedModel, selected by task name, with the bank stored once."""

import os
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from pgtf.foundation.logger import LOG
from pgtf.methods import Piggyback
from pgtf.serving.direction import Direction
from pgtf.serving.export import STAGING, Tasks, alone_in
from pgtf.serving.models_config import write_models_config
from pgtf.serving.saved_model import described, largest_difference, largest_score_difference, save
from pgtf.serving.sharing import Filters, sharing_network
from pgtf.serving.signatures import ScoreSignatures, Signatures
from pgtf.serving.true_float32 import true_float32
from pgtf.serving.warm_up import write_warm_up
from pgtf.storage.probes import TOLERANCE

NAME = "combined"


def export_combined(run: Tasks, output: str, version: int = 1, tasks: Sequence[str] = ()) -> str:
    """Exports tasks as one SavedModel, output/combined/VERSION, and verifies the output of each.

    Never overwrites. An existing export of the same slices is verified again and left in place.

    Args:
      run: The run with the learned tasks.
      output: Folder for exports.
      version: Version number, at least 1.
      tasks: Names of tasks. The tasks that they borrow from are included. Default: all tasks.

    Returns:
      The path of the SavedModel.

    Raises:
      ValueError: If the path exists with other content, or if a task's output is not within tolerance.
    """
    asked = [run[name] for name in tasks or run.names]
    needed = {task.name for task in asked} | {name for task in asked for name in task.bank.names}
    learned = [run[name] for name in run.names if name in needed]
    directions = [Direction(task, prefix) for task in learned for prefix in task.facts.generators]
    generating = [direction.name for direction in directions if direction.takes_latents]
    if generating:
        raise ValueError(
            "A generator is exported by itself, with --format=saved_model. Name other tasks. "
            f"Received: {', '.join(generating)}"
        )
    if len({(bool(direction.labels), direction.size if direction.labels else ()) for direction in directions}) > 1:
        raise ValueError(
            "A combined export holds tasks of images, or classifiers of one image size. "
            f"Received: {', '.join(direction.name for direction in directions)}"
        )
    pixels = {direction.pixels for direction in directions}
    if len(pixels) > 1:
        raise ValueError(
            "A combined export holds tasks whose images have the same channels, type and range. Export others by "
            f"themselves, with --format=saved_model, or name tasks. Received: {len(pixels)} kinds of images"
        )
    path, started = os.path.join(output, NAME, str(version)), time.monotonic()
    with alone_in(output):
        kept = os.path.lexists(path)
        if kept and _identities(described(path)) != {direction.name: direction.identity for direction in directions}:
            raise ValueError(
                f"The export's path exists and holds something else. Choose another --version. Received: {path}"
            )
        LOG.info(f"{path} with {len(learned)} tasks {'exists, from the same slices' if kept else '...'}")
        with true_float32():
            if kept:
                difference = _checked(directions, path, "Remove it and export again")
            else:
                difference = _put(directions, path, output)
        write_models_config(output)
    LOG.info(
        f"{'kept, ' if kept else ''}verified, largest difference from the learned tasks {difference:.1e}; "
        f"{time.monotonic() - started:.1f} s"
    )
    return path


def _identities(found: Any) -> Any:
    """Returns {exported name: identity} from a description that `write_combined` wrote; None for any other content."""
    try:
        keys = ("direction", "slice_sha256")
        return {name: {key: about[key] for key in keys} for name, about in found["tasks"].items()}
    except (TypeError, KeyError, AttributeError):
        return None


def _put(directions: Sequence[Direction], path: str, output: str) -> float:
    """Writes directions into a staging folder, verifies them and moves them to `path`. Returns the difference."""
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=output) as folder:
        written = os.path.join(folder, os.path.basename(path))
        write_combined(directions, written)
        difference = _checked(directions, written, "The export was discarded")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.rename(written, path)
    return difference


def write_combined(directions: Sequence[Direction], path: str) -> None:
    """Writes directions as one SavedModel; classifiers with their classes in TASK.txt.

    A piggyback task must come after the tasks that it borrows from.
    """
    filters: Filters = {}
    size = directions[0].size if directions[0].labels else (None, None)
    networks, names = [], tf.constant([direction.name for direction in directions])
    known = ", ".join(direction.name for direction in directions)
    for direction in directions:
        shared = isinstance(direction.task.facts.method, Piggyback)
        networks.append(sharing_network(direction.task, direction.prefix, filters) if shared else direction.plain)

    pixels = directions[0].pixels
    scored = {f"{direction.name}.txt": direction.labels for direction in directions if direction.labels}

    @tf.function(input_signature=[tf.TensorSpec([None, *size, pixels[0].channels]), tf.TensorSpec([], tf.string)])
    def chosen(images: tf.Tensor, task: tf.Tensor) -> tf.Tensor:
        found = tf.equal(names, task)
        tf.debugging.Assert(tf.reduce_any(found), [f"Unknown task. The task must be one of {known}. Received:", task])
        branches = [lambda network=network: network(images, training=False) for network in networks]
        return tf.switch_case(tf.argmax(tf.cast(found, tf.int32), output_type=tf.int32), branches)

    multiple = max(direction.multiple for direction in directions)
    module = tf.Module()
    module.values = list({id(v): v for network in networks for v in network.variables}.values())
    description = {direction.name: direction.description() for direction in directions}
    answer = lambda images, task, training: chosen(images, task)  # noqa: E731
    if scored:
        save(ScoreSignatures(answer, directions[0].size, takes_task=True), module, {"tasks": description}, path, scored)
    else:
        save(Signatures(answer, multiple, takes_task=True, pixels=pixels), module, {"tasks": description}, path)
    asked = [{"images": direction.example(), "task": np.array(direction.name, object)} for direction in directions]
    write_warm_up(path, NAME, [("serving_default", inputs) for inputs in asked])


def _checked(directions: Sequence[Direction], path: str, otherwise: str) -> float:
    """Returns the largest difference between a SavedModel and the learned tasks. Raises ValueError above TOLERANCE."""
    ask, largest = tf.saved_model.load(path).signatures, 0.0
    for direction in directions:
        task = tf.constant(direction.name)
        if direction.labels:
            difference = largest_score_difference(ask, *direction.shown(), task=task)
        else:
            difference = largest_difference(ask, *direction.shown(), direction.pixels, task=task)
        if not difference <= TOLERANCE:  # Written so that NaN fails.
            raise ValueError(
                f"The export's output differs from the learned task's by more than {TOLERANCE:.0e}. {otherwise}. "
                f"Received: {direction.name} in {path} differs by {difference:.1e}"
            )
        largest = max(largest, difference)
    return largest
