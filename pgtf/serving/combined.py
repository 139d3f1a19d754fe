"""Many tasks as one SavedModel that takes a task's name, and in which they share their bank."""

import os
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from pgtf.evaluation.replay import TOLERANCE
from pgtf.methods import Piggyback
from pgtf.serving.direction import Direction
from pgtf.serving.export import STAGING, Tasks, alone_in
from pgtf.serving.models_config import write_models_config
from pgtf.serving.saved_model import described, largest_difference, save
from pgtf.serving.sharing import Filters, sharing_network
from pgtf.serving.signatures import Signatures
from pgtf.serving.true_float32 import true_float32

NAME = "combined"


def export_combined(run: Tasks, output: str, version: int = 1, tasks: Sequence[str] = ()) -> str:
    """Writes tasks as one SavedModel, output/combined/VERSION, and checks each of them.

    Nothing is overwritten. An export of the same slices that is there is checked and kept.

    Args:
      run: Has learnt them.
      output: The folder for exports.
      version: 1 or more.
      tasks: Their names; all of them unless told. Those that they borrow from come too.

    Returns:
      Its path.
    """
    asked = [run[name] for name in tasks or run.names]
    needed = {task.name for task in asked} | {name for task in asked for name in task.bank.names}
    learnt = [run[name] for name in run.names if name in needed]
    directions = [Direction(task, prefix) for task in learnt for prefix in task.facts.generators]
    path, started = os.path.join(output, NAME, str(version)), time.monotonic()
    with alone_in(output):
        kept = os.path.lexists(path)
        if kept and _identities(described(path)) != {direction.name: direction.identity for direction in directions}:
            raise ValueError(f"An export never overwrites; another --version goes beside it. Received: {path}")
        print(f"{path} of {len(learnt)} tasks {'is there, of the same slices' if kept else '...'}", flush=True)
        with true_float32():
            if kept:
                difference = _checked(directions, path, "remove it to have it written anew")
            else:
                difference = _put(directions, path, output)
        write_models_config(output)
    print(
        f"{'kept, ' if kept else ''}checked, differs from the learnt tasks by at most {difference:.1e}; "
        f"{time.monotonic() - started:.1f} s"
    )
    return path


def _identities(found: Any) -> Any:
    """{exported name: identity} of a description as `write_combined` writes it; None where it is another thing."""
    try:
        keys = ("direction", "slice_sha256")
        return {name: {key: about[key] for key in keys} for name, about in found["tasks"].items()}
    except (TypeError, KeyError, AttributeError):
        return None


def _put(directions: Sequence[Direction], path: str, output: str) -> float:
    """Writes directions into a folder of its own, checks them and moves them to a path; gives their difference."""
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=output) as folder:
        written = os.path.join(folder, os.path.basename(path))
        write_combined(directions, written)
        difference = _checked(directions, written, "nothing was kept")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.rename(written, path)
    return difference


def write_combined(directions: Sequence[Direction], path: str) -> None:
    """Writes directions as one SavedModel; those of piggyback tasks come after the tasks that they borrow from."""
    filters: Filters = {}
    networks, names = [], tf.constant([direction.name for direction in directions])
    known = ", ".join(direction.name for direction in directions)
    for direction in directions:
        shared = isinstance(direction.task.facts.method, Piggyback)
        networks.append(sharing_network(direction.task, direction.prefix, filters) if shared else direction.plain)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([], tf.string)])
    def chosen(images: tf.Tensor, task: tf.Tensor) -> tf.Tensor:
        found = tf.equal(names, task)
        tf.debugging.Assert(tf.reduce_any(found), [f"A task is one of {known}. Received:", task])
        branches = [lambda network=network: network(images, training=False) for network in networks]
        return tf.switch_case(tf.argmax(tf.cast(found, tf.int32), output_type=tf.int32), branches)

    multiple = max(direction.multiple for direction in directions)
    module = tf.Module()
    module.values = list({id(v): v for network in networks for v in network.variables}.values())
    description = {direction.name: direction.description() for direction in directions}
    signatures = Signatures(lambda images, task, training: chosen(images, task), multiple, takes_task=True)
    save(signatures, module, {"tasks": description}, path)


def _checked(directions: Sequence[Direction], path: str, otherwise: str) -> float:
    """How far the tasks in a SavedModel are from the learnt ones; an error where one is too far."""
    ask, largest = tf.saved_model.load(path).signatures, 0.0
    for direction in directions:
        difference = largest_difference(ask, *direction.shown(), task=tf.constant(direction.name))
        if not difference <= TOLERANCE:  # NaN is too far, too.
            raise ValueError(
                f"An export must answer as the learnt task, within {TOLERANCE:.0e}; {otherwise}. "
                f"Received: {direction.name} in {path} differs by {difference:.1e}"
            )
        largest = max(largest, difference)
    return largest
