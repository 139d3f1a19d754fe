"""What both objectives share: named losses as metrics, mixed precision."""

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
# Parts of the tensors of a batch -> (mean loss, {name: loss to report}, what was made of them).
LossOf = Callable[..., tuple[tf.Tensor, dict[str, tf.Tensor], Tensors]]

# [(gradient, variable), …] -> nothing.
Take = Callable[[Iterable[tuple[Optional[tf.Tensor], tf.Variable]]], None]
# (name of a generator, images, what it made of them) -> loss.
Penalty = Callable[[str, tf.Tensor, tf.Tensor], tf.Tensor]


def jointly(network: keras.Model, *batches: tf.Tensor) -> list[tf.Tensor]:
    """The network's outputs for several batches: in one pass, unless a batch norm would mix them."""
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers):
        return [network(batch, training=True) for batch in batches]
    return tf.split(network(tf.concat(batches, 0), training=True), [tf.shape(batch)[0] for batch in batches])


def _check_no_losses(network: keras.Model) -> None:
    regularized = [layer.name for layer in network.layers if layer.losses or layer.activity_regularizer]
    if regularized:
        raise ValueError(
            "The objective says all that a network is to lower; its layers have no regularizers. "
            f"Received: {network.name} with regularizers in {', '.join(regularized)}"
        )


class Learner(keras.Model):
    """Networks and how they learn one task, driven by Keras's fit. A subclass says LOSSES and step.

    Args:
      generators: {"forward": …}, what the task keeps; none of its layers has a regularizer.
      discriminators: {name: network}; gone when the task is learnt. The same holds for them.
      optimizers: {"generators": …, "discriminators": …}, one for all networks of a kind.
      objective: The settings.
      image_shape: Of a training image, [height, width, 3].
      seed: Of all that is random in a step.
    """

    LOSSES: tuple[str, ...] = ()
    # In how many parts a batch is learnt from, one after the other: less memory for a batch, the same step.
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
        del image_shape, seed  # For subclasses in whose step something is random.
        for network in (*generators.values(), *discriminators.values()):
            _check_no_losses(network)
        self.generators, self.discriminators = dict(generators), dict(discriminators)
        self.optimizers, self.objective = dict(optimizers), objective
        # Made now, not in the step: a function that makes variables is traced twice.
        for kind, optimizer in self.optimizers.items():
            optimizer.build(self.trained(kind))
        self.steps_done = tf.Variable(0, dtype=tf.int64, name="steps_done", **replicas.REPLICA_LOCAL)
        self.means: dict[str, keras.metrics.Metric] = {name: Mean(name) for name in self.LOSSES}
        self.distribute_reduction_method = "first"  # Of what is the same on all replicas.
        # Of the generators, where one is asked for. Not in the class: then Keras leaves it out of checkpoints.
        self.average: Optional[Average] = None

    def with_ema(self, decay: float) -> "Learner":
        """This learner with a moving average of its generators, which is what the task keeps; before the first step."""
        self.average = Average(self.trained("generators"), decay)
        return self

    def with_accumulation(self, parts: int) -> "Learner":
        """This learner with each batch in so many parts; before the first step."""
        self.parts = parts
        return self

    def penalizing(self, penalty: Penalty) -> "Learner":
        """This learner with a further loss of its generators; before the first step."""
        self.penalty, self.means["penalty"] = penalty, Mean("penalty")
        return self

    def delegate_updates(self, optimizer: keras.optimizers.Optimizer, take: Take) -> "Learner":
        """This learner of discriminators alone: `take` is given its generators' gradients, for another's optimizer."""
        self.optimizers["generators"], self.take = optimizer, take
        return self

    def penalties(self, **shown: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """{"penalty": loss} where there is one, else nothing; shown: name of a generator=(images, what it made)."""
        if self.penalty is None:
            return {}
        return {"penalty": sum(self.penalty(name, *pair) for name, pair in shown.items())}

    def final_weights(self) -> contextlib.AbstractContextManager:
        """In this block the generators are as they would be kept: averaged, where that is asked for."""
        return self.average.shown() if self.average else contextlib.nullcontext()

    def trained(self, kind: str) -> list[tf.Variable]:
        """The variables that the optimizer of "generators" or "discriminators" moves."""
        networks = {"generators": self.generators, "discriminators": self.discriminators}[kind]
        return [variable for network in networks.values() for variable in network.trainable_variables]

    @property
    def done(self) -> int:
        """How many steps it has done."""
        return int(self.steps_done.numpy())

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self.means.values())

    def call(self, image: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.generators["forward"](image, training=training)

    def step(self, batch: tuple) -> dict[str, tf.Tensor]:
        """Learns from one batch.

        Args:
          batch: Images [n, h, w, 3] in [-1, 1]: inputs and targets, or A and B.

        Returns:
          {name: loss}, in the names of LOSSES.
        """
        raise NotImplementedError

    def train_step(self, batch: tuple) -> dict[str, tf.Tensor]:
        # Replicas meet in a step, which TensorFlow allows in its outermost function only.
        return self.traced_step(batch) if replicas.count() == 1 else self._step(batch)

    @tf.function(autograph=False)  # One graph, traced once, whatever loop Keras puts around it.
    def traced_step(self, batch: tuple) -> dict[str, tf.Tensor]:
        """`train_step` as a graph."""
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
        """One step of the optimizer of a kind of networks, on a batch in as many parts as the learner has.

        Args:
          kind: "generators" or "discriminators".
          loss_of: The same part of each tensor of the batch -> (its mean loss, {name: loss to report}, what it made).
          *batch: Tensors [n, …].

        Returns:
          The losses to report, and all that was made.
        """

        def learnt_from(*part):
            with tf.GradientTape() as tape:
                loss, reported, made = loss_of(*part)
            return [self._gradients(kind, tape, loss), reported], made

        (gradients, reported), made = mean_of(self.parts, learnt_from, *batch)
        self._move(kind, gradients)
        return reported, made

    def minimize(self, kind: str, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """One step of the optimizer of a kind of networks; the loss was computed under the tape."""
        self._move(kind, self._gradients(kind, tape, loss))

    def _gradients(self, kind, tape, loss):
        """Of a part's mean loss, scaled as the optimizer wants it; the sum over all replicas is the batch's."""
        optimizer = self.optimizers[kind]
        with tape:
            loss = loss / replicas.count() if replicas.count() > 1 else loss
            loss = keras_versions.scaled_loss(optimizer, loss)
        return tape.gradient(loss, self.trained(kind), unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def _move(self, kind, gradients):
        """Where another learner moves the generators, it is given their gradients."""
        optimizer = self.optimizers[kind]
        gradients = keras_versions.unscaled_gradients(optimizer, gradients)
        pairs = zip(gradients, self.trained(kind))
        if self.take and kind == "generators":
            self.take(pairs)
        else:
            keras_versions.apply_gradients(optimizer, pairs, replicas=replicas.count())
