"""Learning one task: Keras's fit, from the last checkpoint on."""

import dataclasses
import os
import shutil

import tensorflow as tf

from pgtf.training.callbacks import Checkpoints, Finite, Log, Progress, Samples


@dataclasses.dataclass(frozen=True)
class Habits:
    """How often what happens while learning; none of it changes what is learnt."""

    log_every: int = 50
    sample_every: int = 1000
    checkpoint_minutes: float = 5.0
    steps_per_call: int = 10


def learn(objective, stream, steps, folder, *, title, log, habits=Habits(), draw=None, text=""):
    """Trains an objective for `steps` steps on a stream, its checkpoints and TensorBoard in `folder`.

    One call of fit for all steps: Keras's loop, ours only what it lacks. Called again after a crash it goes on from
    the last checkpoint, to the same end: data, dropout and pool are functions of (seed, step), all else is restored.
    """
    objective.compile(steps_per_execution=habits.steps_per_call)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(objective=objective), folder, max_to_keep=1)
    manager.restore_or_initialize()
    done = int(objective.steps_done)
    if done:
        print(f"{title}: goes on from step {done}")
    if done >= steps:
        return
    writer = tf.summary.create_file_writer(folder)
    with writer.as_default(0):
        tf.summary.text("config", f"```\n{text}\n```")
    checkpoints = Checkpoints(manager, habits.checkpoint_minutes)
    callbacks = [
        Finite(),
        Progress(title, steps),
        Log(writer, log, habits.log_every, {"task": title}),
        checkpoints,
    ]
    if draw:
        callbacks.append(Samples(writer, habits.sample_every, draw))
    try:
        objective.fit(
            stream.dataset(done, steps), steps_per_epoch=steps - done, epochs=1, verbose=0, callbacks=callbacks
        )
    except KeyboardInterrupt:
        checkpoints.save()
        raise
    except tf.errors.OpError as error:
        if stream.failure:  # What the pipeline raised, not tf.data's account of it.
            raise stream.failure from error
        raise
    finally:
        writer.close()
    checkpoints.save()


def has_checkpoints(folder):
    """Whether a task's checkpoints are still there."""
    return os.path.exists(os.path.join(folder, "checkpoint"))


def forget_checkpoints(folder):
    """Removes what only an unfinished task needs; the TensorBoard logs stay."""
    # "checkpoint", the list of the others, goes last: while it is there, so may they be.
    for name in sorted(os.listdir(folder), reverse=True):
        if name == "checkpoint" or name.startswith("ckpt-"):
            path = os.path.join(folder, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
