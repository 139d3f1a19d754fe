"""Learner: the base class of training steps, with named losses, mixed precision and gradient accumulation."""

import contextlib
from collections.abc import Iterable
from typing import Any, Callable, Optional

import keras
import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation import keras_versions
from pgtf.objectives.accumulation import mean_of
from pgtf.objectives.ema import Average
from pgtf.objectives.means import Mean

Tensors = tuple[tf.Tensor, ...]
# Parts of the tensors of a batch -> (mean loss, {name: loss to report}, generated tensors).
LossOf = Callable[..., tuple[tf.Tensor, dict[str, tf.Tensor], Tensors]]

# [(gradient, variable), …] -> nothing.
Take = Callable[[Iterable[tuple[Optional[tf.Tensor], tf.Variable]]], None]
# (name of a generator, input images, output images) -> loss.
Penalty = Callable[[str, tf.Tensor, tf.Tensor], tf.Tensor]


def jointly(network: keras.Model, *batches: tf.Tensor) -> list[tf.Tensor]:
    """Returns the network's outputs for several batches: in one pass, unless batch norm would mix their statistics."""
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers):
        return [network(batch, training=True) for batch in batches]
    return tf.split(network(tf.concat(batches, 0), training=True), [tf.shape(batch)[0] for batch in batches])


def _check_no_losses(network: keras.Model) -> None:
    regularized = [layer.name for layer in network.layers if layer.losses or layer.activity_regularizer]
    if regularized:
        raise ValueError(
            "Layers must not have regularizers: all losses come from the objective. "
            f"Received: {network.name} with regularizers in {', '.join(regularized)}"
        )


class Learner(keras.Model):
    """Trains networks for one task, driven by Keras's fit. A subclass defines LOSSES and `step`.

    Layers must not have regularizers.

    Args:
      generators: {"forward": …}, the networks that the task keeps.
      discriminators: {name: network}, discarded when the task is learned.
      optimizers: {"generators": …, "discriminators": …}, one for all networks of a kind.
      objective: The objective's settings.
      image_shape: Shape of a training image, [height, width, 3].
      seed: Seed of all random numbers in a step.
    """

    LOSSES: tuple[str, ...] = ()
    # Number of parts that a batch is processed in, one after the other: less memory, the same update.
    parts = 1
    penalty: Optional[Penalty] = None
    take: Optional[Take] = None

    def __init__(
        self,
        generators: dict[str, keras.Model],
        discriminators: dict[str, keras.Model],
        optimizers: dict[str, keras.optimizers.Optimizer],
        objective: Any,
        *,
        image_shape: Optional[tuple[int, int, int]] = None,
        seed: Any = 0,
    ) -> None:
        super().__init__()
        del image_shape, seed  # Subclasses with a random step use them.
        for network in (*generators.values(), *discriminators.values()):
            _check_no_losses(network)
        self.generators, self.discriminators = dict(generators), dict(discriminators)
        self.optimizers, self.objective = dict(optimizers), objective
        # Built here, not in the step: tf.function traces a function that creates variables twice.
        for kind, optimizer in self.optimizers.items():
            optimizer.build(self.trained(kind))
        self.steps_done = tf.Variable(0, dtype=tf.int64, name="steps_done", **replicas.REPLICA_LOCAL)
        self.means: dict[str, keras.metrics.Metric] = {name: Mean(name) for name in self.LOSSES}
        self.distribute_reduction_method = "first"  # Outputs are the same on all replicas.
        # Set by `with_ema`. Not a class attribute, which Keras would leave out of checkpoints.
        self.average: Optional[Average] = None

    def with_ema(self, decay: float) -> "Learner":
        """Adds a moving average of the generators, which the task stores. Call before the first step. Returns self."""
        self.average = Average(self.trained("generators"), decay)
        return self

    def with_accumulation(self, parts: int) -> "Learner":
        """Processes each batch in `parts` parts. Call before the first step. Returns self."""
        self.parts = parts
        return self

    def penalizing(self, penalty: Penalty) -> "Learner":
        """Adds a loss to the generators' losses. Call before the first step. Returns self."""
        self.penalty, self.means["penalty"] = penalty, Mean("penalty")
        return self

    def delegate_updates(self, optimizer: keras.optimizers.Optimizer, take: Take) -> "Learner":
        """Passes the generators' gradients to `take` instead of applying them. Returns self.

        Args:
          optimizer: The optimizer that will apply them; it scales this learner's loss.
          take: Called with [(gradient, variable), …] in each step.
        """
        self.optimizers["generators"], self.take = optimizer, take
        return self

    def penalties(self, **shown: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns {"penalty": loss}, or {} without a penalty. shown: generator name=(input images, output images)."""
        if self.penalty is None:
            return {}
        return {"penalty": sum(self.penalty(name, *pair) for name, pair in shown.items())}

    def final_weights(self) -> contextlib.AbstractContextManager:
        """Context in which the generators have the weights that the task stores: the averages, if there are any."""
        return self.average.shown() if self.average else contextlib.nullcontext()

    def trained(self, kind: str) -> list[tf.Variable]:
        """Returns the variables that the optimizer of "generators" or "discriminators" updates."""
        networks = {"generators": self.generators, "discriminators": self.discriminators}[kind]
        return [variable for network in networks.values() for variable in network.trainable_variables]

    @property
    def done(self) -> int:
        """Number of finished steps."""
        return int(self.steps_done.numpy())

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self.means.values())

    def call(self, image: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.generators["forward"](image, training=training)

    def step(self, batch: tuple) -> dict[str, tf.Tensor]:
        """Trains on one batch.

        Args:
          batch: Images [n, h, w, 3] in [-1, 1]: inputs and targets, or A and B.

        Returns:
          {name: loss}, with the names of LOSSES.
        """
        raise NotImplementedError

    def train_step(self, batch: tuple) -> dict[str, tf.Tensor]:
        # Replicas communicate within a step, which TensorFlow allows in the outermost tf.function only.
        return self.traced_step(batch) if replicas.count() == 1 else self._step(batch)

    @tf.function(autograph=False)  # Traced once, whatever loop Keras runs it in.
    def traced_step(self, batch: tuple) -> dict[str, tf.Tensor]:
        """Runs `train_step` as a graph."""
        return self._step(batch)

    def _step(self, batch):
        losses = self.step(batch)
        if self.average:
            self.average.update()
        self.steps_done.assign_add(1)
        for name, loss in replicas.mean(losses).items():
            self.means[name].update_state(loss)
        return {name: mean.result() for name, mean in self.means.items()}

    def descend(self, kind: str, loss_of: LossOf, *batch: tf.Tensor) -> tuple[dict[str, tf.Tensor], Tensors]:
        """Applies one optimizer step to a kind of networks, with gradients accumulated over the parts of a batch.

        Args:
          kind: "generators" or "discriminators".
          loss_of: The same part of each tensor -> (mean loss, {name: loss to report}, generated tensors).
          *batch: Tensors [n, …].

        Returns:
          ({name: loss to report}, the generated tensors of the whole batch).
        """

        def gradients_of(*part):
            with tf.GradientTape() as tape:
                loss, reported, made = loss_of(*part)
            return [self._gradients(kind, tape, loss), reported], made

        (gradients, reported), made = mean_of(self.parts, gradients_of, *batch)
        self._move(kind, gradients)
        return reported, made

    def minimize(self, kind: str, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """Applies one optimizer step to a kind of networks, for a loss that was computed under the tape."""
        self._move(kind, self._gradients(kind, tape, loss))

    def _gradients(self, kind, tape, loss):
        """Returns the gradients of a mean loss, with loss scaling; summed over replicas they are the batch's."""
        optimizer = self.optimizers[kind]
        with tape:
            loss = loss / replicas.count() if replicas.count() > 1 else loss
            loss = keras_versions.scaled_loss(optimizer, loss)
        return tape.gradient(loss, self.trained(kind), unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def _move(self, kind, gradients):
        """Applies gradients, or passes the generators' to `take`."""
        optimizer = self.optimizers[kind]
        gradients = keras_versions.unscaled_gradients(optimizer, gradients)
        pairs = zip(gradients, self.trained(kind))
        if self.take and kind == "generators":
            self.take(pairs)
        else:
            keras_versions.apply_gradients(optimizer, pairs, replicas=replicas.count())
