"""Keras callbacks for periodic work during training."""

import datetime
import json
import math
import time

import keras
import tensorflow as tf

from pgtf.foundation.errors import Diverged
from pgtf.foundation.keras_versions import last_learning_rate
from pgtf.foundation.progress import Bar
from pgtf.training.checkpoints import Checkpoints

PICTURES = 10  # Of a title: as many as TensorBoard shows. At 256 px each takes a megabyte.
_ADVICE = "A smaller --learning_rate, another --seed or --precision=float32 may help (in a new --run_dir)"


class EveryNSteps:
    """Counts steps and fires once per `period` steps, also when several steps run in one call."""

    def __init__(self, period, done=0):
        self.period, self.last = period, done

    def __call__(self, step):
        due = step // self.period > self.last // self.period
        if due:
            self.last = step
        return due


class StopIfNotFinite(keras.callbacks.Callback):
    """Stops training at the first loss that is not finite, and names it."""

    def on_train_batch_end(self, batch, logs=None):
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            raise Diverged(
                f"Every loss must stay a number. Received: {', '.join(bad)} not finite by step "
                f"{self.model.done}. {_ADVICE}"
            )


class LogLosses(keras.callbacks.Callback):
    """Logs mean losses, learning rate and steps/s to TensorBoard and as JSON lines to a file."""

    def __init__(self, writer, path, every, facts):
        super().__init__()
        self.writer, self.path, self.every, self.facts = writer, path, every, facts

    def on_train_begin(self, logs=None):
        self.step = self.model.done
        self.due, self.time = EveryNSteps(self.every, self.step), time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        step, before = self.model.done, self.due.last
        if self.due(step):
            try:
                self._write(step, logs)
            except KeyboardInterrupt:
                self.due.last = before
                raise

    def on_interrupt(self):
        """Logs the last step if an interrupt came before it was logged."""
        self.on_train_batch_end(None, {name: mean.result() for name, mean in self.model.means.items()})

    def _write(self, step, logs):
        now = time.monotonic()
        optimizer = self.model.optimizers["generators"]
        rates = {
            "learning_rate": last_learning_rate(optimizer),
            "steps_per_second": (step - self.step) / (now - self.time),
        }
        self.step, self.time = step, now
        losses = {name: float(value) for name, value in logs.items()}
        with self.writer.as_default(step):
            for name, value in losses.items():
                tf.summary.scalar(f"losses/{name}", value)
            for name, value in rates.items():
                tf.summary.scalar(f"training/{name}", value)
        append_line(self.path, {**self.facts, "step": step, **losses, **rates})
        self.model.reset_metrics()


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves a checkpoint every few minutes and when interrupted, if the state is finite."""

    def __init__(self, checkpoints: Checkpoints, minutes: float):
        super().__init__()
        self.checkpoints, self.seconds = checkpoints, 60 * minutes

    def on_train_begin(self, logs=None):
        self.time = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self.time >= self.seconds:
            self.save()

    def on_interrupt(self):
        """Saves a checkpoint."""
        self.save()

    def save(self):
        for network in self.model.generators.values():
            for variable in network.trainable_variables:
                if not bool(tf.reduce_all(tf.math.is_finite(variable))):
                    raise Diverged(
                        f"Every weight must stay a number. Received: {variable.name} not finite at step "
                        f"{self.model.done}. {_ADVICE}"
                    )
        self.checkpoints.save(self.model.done)
        self.time = time.monotonic()


class DrawSamples(keras.callbacks.Callback):
    """Draws a fixed grid of test images, translated with the weights that would be stored.

    Args:
      writer: TensorBoard's writer.
      every: Number of steps between samples.
      draw: Function of {prefix: network} that returns {title: picture}.
      steps: Number of steps of the task. Writes at most PICTURES of its samples to TensorBoard, evenly spaced.
    """

    def __init__(self, writer, every, draw, steps):
        super().__init__()
        self.writer, self.every, self.draw = writer, every, draw
        self.every_shown = max(every, math.ceil(steps / PICTURES))

    def on_train_begin(self, logs=None):
        self.due, self.shown = EveryNSteps(self.every, self.model.done), EveryNSteps(self.every_shown, self.model.done)

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.done
        if self.due(step):
            with self.model.final_weights():
                pictures = self.draw(self.model.generators)
            if self.shown(step):
                with self.writer.as_default(step):
                    for name, picture in pictures.items():
                        tf.summary.image(name, picture[None])


class ShowProgress(keras.callbacks.Callback):
    """Prints one line of progress per task: remaining time and losses."""

    def __init__(self, title, steps, out=None):
        super().__init__()
        self.title, self.steps, self.out = title, steps, out

    def on_train_begin(self, logs=None):
        self.bar = Bar(self.title, self.steps, "steps", self.model.done, self.out)

    def on_train_batch_end(self, batch, logs=None):
        # In the learner's order; Keras 3 sorts the logs.
        shown = (name for name in self.model.means if name in logs and "identity" not in name)
        losses = (f"{name} {logs[name]:.3g}" for name in shown)
        self.bar.show(self.model.done, "  ".join(losses))


def append_line(path, facts):
    """Appends one JSON line with the time (ISO 8601, UTC) to a log."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    with open(path, "a") as file:
        file.write(json.dumps({"time": now, **facts}, default=float) + "\n")
