"""Learning one task: Keras's fit, from the last checkpoint on."""

import dataclasses
import os
import shutil
from collections.abc import Sequence
from typing import Callable, Optional

import tensorflow as tf

from pgtf.data.stream import Stream
from pgtf.methods import Phase
from pgtf.objectives.learner import Learner
from pgtf.training.callbacks import Checkpoints, Finite, Log, Progress, Samples


@dataclasses.dataclass(frozen=True)
class Intervals:
    """How often things happen while a task is learnt; none of them changes what is learnt."""

    log_every: int = 50
    sample_every: int = 1000
    checkpoint_minutes: float = 5.0
    steps_per_call: int = 10


def learn(
    learner: Learner,
    stream: Stream,
    phases: Sequence[Phase],
    folder: str,
    *,
    title: str,
    log: str,
    intervals: Intervals = Intervals(),
    draw: Optional[Callable] = None,
    text: str = "",
) -> None:
    """Trains a learner, its checkpoints and TensorBoard in `folder`; called again after a crash it goes on.

    Keras's loop, once for each phase, ours only what it lacks. It goes on from the last checkpoint to the same end:
    data, dropout and pool are functions of (seed, step), all else is restored.

    Args:
      learner: The networks and their step.
      stream: The images.
      phases: What the steps are spent on, in order.
      folder: For checkpoints and TensorBoard.
      title: Of the line of progress.
      log: File for a line of JSON at every few steps.
      intervals: How often.
      draw: {prefix: network} -> {title: picture}.
      text: What TensorBoard shows as the config.
    """
    learner.compile(steps_per_execution=intervals.steps_per_call)
    steps = sum(phase.steps for phase in phases)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(objective=learner), folder, max_to_keep=1)
    _restore(manager)
    done = int(learner.steps_done)
    if done:
        print(f"{title}: goes on from step {done}")
    if done >= steps:
        return
    writer = tf.summary.create_file_writer(folder)
    with writer.as_default(0):
        tf.summary.text("config", f"```\n{text}\n```")
    checkpoints = Checkpoints(manager, intervals.checkpoint_minutes)
    callbacks = [
        Finite(),
        Progress(title, steps),
        Log(writer, log, intervals.log_every, {"task": title}),
        checkpoints,
    ]
    if draw:
        callbacks.append(Samples(writer, intervals.sample_every, draw))
    try:
        _fit(learner, stream, phases, callbacks, checkpoints)
    finally:
        writer.close()


def _fit(learner: Learner, stream: Stream, phases: Sequence[Phase], callbacks: list, checkpoints: Checkpoints) -> None:
    """Does what is left of each phase; a checkpoint ends it."""
    end = 0
    for phase in phases:
        begin, end = end, end + phase.steps
        done = int(learner.steps_done)
        if done >= end:
            continue
        if done == begin:
            phase.begin(learner.generators)
        try:
            learner.fit(stream.dataset(done, end), steps_per_epoch=end - done, epochs=1, verbose=0, callbacks=callbacks)
        except KeyboardInterrupt:
            checkpoints.save()
            raise
        except tf.errors.OpError as error:
            if stream.failure:  # What the pipeline raised, not tf.data's account of it.
                raise stream.failure from error
            raise
        checkpoints.save()


def _restore(manager: tf.train.CheckpointManager) -> None:
    if not manager.latest_checkpoint:
        return
    try:
        manager.checkpoint.restore(manager.latest_checkpoint).assert_existing_objects_matched()
    except AssertionError as error:
        raise ValueError(
            "A checkpoint must be of this task and this version of pgtf; without it, the task begins anew. "
            f"Received: {manager.latest_checkpoint}"
        ) from error


def forget_checkpoints(folder: str) -> None:
    """Removes what only an unfinished task needs; the TensorBoard logs stay."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in names:
        if name == "checkpoint" or name.startswith("ckpt-"):
            path = os.path.join(folder, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
