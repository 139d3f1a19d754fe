"""Training loop of one task: Keras's fit, resumed from the last checkpoint."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Callable, Optional, Union

import tensorflow as tf

from pgtf.assembly.phase_context import CheckpointedPhaseContext
from pgtf.data.streams import Stream, Streams
from pgtf.distribution import collectives
from pgtf.foundation import retracing
from pgtf.foundation.keras_versions import checkpointed, compile_learner
from pgtf.foundation.logger import LOG
from pgtf.methods import Phase
from pgtf.objectives.learner import Learner
from pgtf.training.callbacks import DrawSamples, LogLosses, SaveCheckpoints, ShowProgress, StopIfNotFinite
from pgtf.training.checkpoints import Checkpoints
from pgtf.training.curve_points import Best, Points


@dataclasses.dataclass(frozen=True)
class Intervals:
    """Intervals of periodic work during training. None of them affects the result."""

    log_every: int = 50
    sample_every: int = 1000
    checkpoint_minutes: float = 5.0
    steps_per_call: int = 10
    evaluate_every: int = 0


def learn(
    learner: Learner,
    stream: Union[Stream, Streams],
    phases: Sequence[Phase],
    folder: str,
    *,
    title: str,
    log: str,
    intervals: Intervals = Intervals(),
    draw: Optional[Callable] = None,
    measure: Optional[Callable] = None,
    keep_best: bool = False,
    context: Optional[CheckpointedPhaseContext] = None,
    text: str = "",
) -> None:
    """Trains a learner with Keras's fit. Called again after a crash, it resumes from the last checkpoint.

    `fit` is called once for each phase. A resumed training gives the same result as an uninterrupted one: data, dropout
    and the image pool are functions of (seed, step), and all other state is restored. At the end the generators have
    the weights that the task stores.

    Args:
      learner: The networks and their training step.
      stream: The training batches.
      phases: The phases of training, in order.
      folder: Folder for checkpoints and TensorBoard.
      title: Title of the progress bar.
      log: File that gets a line of JSON at every few steps. Of several workers only the chief writes, draws and
        measures.
      intervals: Intervals of periodic work.
      draw: Function of {prefix: network} that returns sample pictures, {title: picture}.
      measure: Function of {prefix: network} that returns a CurvePoint.
      keep_best: Whether the task stores the weights of the best measured point instead of the last ones.
      context: State that the phases share.
      text: The run's config, for TensorBoard.
    """
    compile_learner(learner, steps_per_execution=intervals.steps_per_call)
    steps = sum(phase.steps for phase in phases)
    best = Best(learner.generators) if keep_best else None
    parts = {"learner": checkpointed(learner), "best": best, "trial": context}
    state = tf.train.Checkpoint(**{name: part for name, part in parts.items() if part is not None})
    checkpoints = Checkpoints(state, folder)
    _restore(checkpoints, learner, title)
    if learner.done < steps or (best and int(best.seen.numpy()) < steps):
        with _summaries(folder, text) as writer:
            facts, saves = {"task": title}, SaveCheckpoints(checkpoints, intervals.checkpoint_minutes)
            logging = (
                [ShowProgress(title, steps), LogLosses(writer, log, intervals.log_every, facts)]
                if collectives.is_chief()
                else []
            )
            callbacks = [StopIfNotFinite(), *logging, saves]
            points = Points(writer, log, intervals.evaluate_every, facts, measure, best) if measure else None
            if points:
                callbacks.insert(-1, points)  # Before what saves the best of them.
            if draw:
                callbacks.append(DrawSamples(writer, intervals.sample_every, draw, steps))
            _fit(learner, stream, phases, callbacks, saves, best)
            if points:
                points.finish(learner)
            if best:
                checkpoints.save(steps)
    if best:
        LOG.info(f"{title}: keeps step {int(best.step.numpy())}, the best point")
        best.take()
    elif learner.average:
        learner.average.take()


def _restore(checkpoints: Checkpoints, learner: Learner, title: str) -> None:
    """Restores the last checkpoint, if there is one, and logs its step."""
    lost = checkpoints.restore()
    if lost:
        LOG.info(f"{title}: {lost}. The task goes on from step {learner.done}")
    elif learner.done:
        LOG.info(f"{title}: goes on from step {learner.done}")


@contextlib.contextmanager
def _summaries(folder: str, text: str) -> Iterator[tf.summary.SummaryWriter]:
    """Opens a TensorBoard writer in a folder and writes the config. Only the chief writes."""
    writer = tf.summary.create_file_writer(folder) if collectives.is_chief() else tf.summary.create_noop_writer()
    try:
        with writer.as_default(0):
            tf.summary.text("config", f"```\n{text}\n```")
        yield writer
    finally:
        writer.close()


def _fit(
    learner: Learner,
    stream: Union[Stream, Streams],
    phases: Sequence[Phase],
    callbacks: list,
    saves: SaveCheckpoints,
    best: Optional[Best],
) -> None:
    """Runs the remaining steps of each phase. Each phase ends with a checkpoint."""
    end = 0
    for phase in phases:
        begin, end = end, end + phase.steps
        done = learner.done
        if done >= end:
            continue
        if done == begin:
            phase.begin(learner.generators)
            # What was before is no part of an average, nor a point that could be kept.
            if learner.average:
                learner.average.begin()
            if best:
                best.begin(done)
        try:
            batches = stream.distributed(done, end)
            with retracing.silence_retracing():
                settings = dict(epochs=1, verbose=0, shuffle=False, callbacks=callbacks)
                learner.fit(batches, steps_per_epoch=end - done, **settings)
        except KeyboardInterrupt:
            # Else the phase would begin twice over. Of several workers, one may have stopped within the other's step.
            if learner.done > done and collectives.worker_count() == 1:
                for callback in callbacks:
                    if isinstance(callback, (LogLosses, SaveCheckpoints)):
                        callback.on_interrupt()
            raise
        except tf.errors.OpError as error:
            if stream.failure:  # What the pipeline raised, not tf.data's account of it.
                raise stream.failure from error
            raise
        saves.save()
