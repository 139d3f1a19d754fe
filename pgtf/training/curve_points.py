"""Points of a curve, measured during training, and the best of them."""

import math
from collections.abc import Mapping
from typing import Any, Callable, Optional

import keras
import tensorflow as tf

from pgtf.evaluation.curves import CurvePoint
from pgtf.foundation.keras_versions import tf_variable
from pgtf.objectives.learner import Learner
from pgtf.training.callbacks import EveryNSteps, append_line


class Best(tf.Module):
    """The generators' weights at the best point so far. Checkpoints include them."""

    def __init__(self, generators: Mapping[str, keras.Model]):
        super().__init__(name="best")
        self.variables_now = [variable for network in generators.values() for variable in _learned(network)]
        self.values = [tf.Variable(variable, trainable=False) for variable in self.variables_now]
        self.loss = tf.Variable(math.inf, trainable=False, dtype=tf.float64, name="loss")
        self.step = tf.Variable(0, trainable=False, dtype=tf.int64, name="step")
        self.seen = tf.Variable(0, trainable=False, dtype=tf.int64, name="seen")

    def begin(self, step: int) -> None:
        """Resets the best point. Points before this step do not count."""
        self.loss.assign(math.inf)
        self.seen.assign(step)

    def see(self, step: int, loss: float) -> None:
        """Copies the weights of this step if it is the best. An interrupted copy is repeated."""
        if loss < float(self.loss.numpy()):
            for value, variable in zip(self.values, self.variables_now):
                value.assign(variable)
            self.loss.assign(loss)
            self.step.assign(step)
        self.seen.assign(step)

    def take(self) -> None:
        """Assigns the weights of the best point to the generators."""
        for value, variable in zip(self.values, self.variables_now):
            variable.assign(value)


class Points(keras.callbacks.Callback):
    """Measures the generators with the weights that would be stored, at regular steps and at the end. Logs the results.

    Args:
      writer: TensorBoard's writer.
      path: Path of the log.
      every: Number of steps between measurements.
      facts: First entries of each line of the log.
      measure: Function of {prefix: network} that returns a CurvePoint.
      best: The best point so far, if its weights are stored.
    """

    def __init__(
        self,
        writer: Any,
        path: str,
        every: int,
        facts: Mapping[str, Any],
        measure: Callable[[dict], CurvePoint],
        best: Optional[Best] = None,
    ):
        super().__init__()
        self.writer, self.path, self.every, self.facts = writer, path, every, facts
        self.measure, self.best = measure, best
        self.last = int(best.seen.numpy()) if best else 0

    def on_train_begin(self, logs=None):
        step = self.model.done
        self.last = int(self.best.seen.numpy()) if self.best else step
        self.due = EveryNSteps(self.every, self.last)
        # An interruption between a step and its point left the point out.
        self._perhaps()

    def on_train_batch_end(self, batch, logs=None):
        self._perhaps()

    def finish(self, learner: Learner) -> None:
        """Measures the final learner, unless the last point was at its last step."""
        self.set_model(learner)
        if self.last < learner.done:
            self._point()

    def _perhaps(self):
        if self.due(self.model.done):
            self._point()

    def _point(self):
        step = self.model.done
        with self.model.final_weights():
            point = self.measure(self.model.generators)
            if self.best:
                self.best.see(step, point.loss)
        self.last = step
        with self.writer.as_default(step):
            for name, value in point.values.items():
                tf.summary.scalar(f"evaluation/{name}", value)
        by = {"measured_by": dict(point.measured_by)} if point.measured_by else {}
        append_line(self.path, {**self.facts, "step": step, "evaluation": dict(point.values), **by})


def _learned(network):
    """Returns the variables that training changes: trainable ones, and the moving averages of batch norms."""
    means = [
        variable
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
        for variable in layer.non_trainable_variables
    ]
    return [tf_variable(variable) for variable in (*network.trainable_variables, *means)]
