"""What both objectives share: named losses as metrics, mixed precision, a learning rate that falls."""

import contextlib
from collections.abc import Sequence
from typing import Any, Callable, Optional

import keras
import tensorflow as tf

from pgtf.objectives.averaging import Average


@keras.saving.register_keras_serializable(package="pgtf")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`rate` up to step `begin`, then linearly to zero at step `end`."""

    def __init__(self, rate: float, begin: int, end: int) -> None:
        self.rate, self.begin, self.end = rate, begin, end

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        left = (self.end - tf.cast(step, tf.float32)) / max(1, self.end - self.begin)
        return self.rate * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "begin": self.begin, "end": self.end}


# (name of a generator, images, what it made of them) -> loss.
Penalty = Callable[[str, tf.Tensor, tf.Tensor], tf.Tensor]


class Adam(keras.optimizers.Adam):
    """Keras's Adam, each variable in one operation, with a share of the learning rate for some.

    Adam's step is linear in the learning rate, so such a variable goes a share of it.

    Args:
      learning_rate: A number or schedule.
      shares: [(variable, share)].
    """

    def __init__(self, learning_rate: Any, shares: Sequence[tuple[tf.Variable, float]], **kwargs: Any) -> None:
        # What Keras would compile with XLA is one operation here.
        super().__init__(learning_rate, jit_compile=False, **kwargs)
        self._share_of = {id(variable): share for variable, share in shares}.get  # A dict would be tracked.

    def apply_gradients(self, grads_and_vars: Any, *args: Any, **kwargs: Any) -> Any:
        pairs = list(grads_and_vars)
        before = [(v, tf.identity(v), self._share_of(id(v))) for _, v in pairs if self._share_of(id(v)) is not None]
        result = super().apply_gradients(pairs, *args, **kwargs)
        for variable, value, share in before:
            variable.assign(value + share * (variable - value))
        return result

    def update_step(self, gradient: Any, variable: tf.Variable) -> None:
        """The same as Keras's, in TensorFlow's own operation for it: that of Keras are thirty, traced for each."""
        index, step = self._index_dict[self._var_key(variable)], tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].handle,
            v=self._velocities[index].handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(self.learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )


def adam(
    schedule: LinearDecay, precision: str = "float32", rates: Sequence[tuple[tf.Variable, float]] = ()
) -> keras.optimizers.Optimizer:
    """Adam as both papers have it; with loss scaling where 16-bit floats need it.

    Args:
      schedule: Of the learning rate.
      precision: What the networks compute in.
      rates: [(variable, learning rate)] of those that start at another one; it falls as the others' does.

    Returns:
      An optimizer.
    """
    shares = [(variable, rate / schedule.rate) for variable, rate in rates]
    optimizer = Adam(schedule, shares, beta_1=0.5)
    if precision == "mixed_float16":
        return keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def jointly(network: keras.Model, *batches: tf.Tensor) -> list[tf.Tensor]:
    """The network's outputs for several batches: in one pass, unless a batch norm would mix them."""
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers):
        return [network(batch, training=True) for batch in batches]
    return tf.split(network(tf.concat(batches, 0), training=True), [tf.shape(batch)[0] for batch in batches])


def _check_no_losses(network: keras.Model) -> None:
    regularized = [layer.name for layer in network.layers if layer.losses]
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
    penalty: Optional[Penalty] = None

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
        self.steps_done = tf.Variable(0, trainable=False, dtype=tf.int64, name="steps_done")
        self.means = {name: keras.metrics.Mean(name) for name in self.LOSSES}
        # Of the generators, where one is asked for. Not in the class: then Keras leaves it out of checkpoints.
        self.average: Optional[Average] = None

    def averaging(self, decay: float) -> "Learner":
        """This learner with a moving average of its generators, which is what the task keeps; before the first step."""
        self.average = Average(self.trained("generators"), decay)
        return self

    def penalizing(self, penalty: Penalty) -> "Learner":
        """This learner with a further loss of its generators; before the first step."""
        self.penalty, self.means["penalty"] = penalty, keras.metrics.Mean("penalty")
        return self

    def penalties(self, **shown: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """{"penalty": loss} where there is one, else nothing; shown: name of a generator=(images, what it made)."""
        if self.penalty is None:
            return {}
        return {"penalty": sum(self.penalty(name, *pair) for name, pair in shown.items())}

    def kept(self) -> contextlib.AbstractContextManager:
        """In this block the generators are as they would be kept: averaged, where that is asked for."""
        return self.average.shown() if self.average else contextlib.nullcontext()

    def trained(self, kind: str) -> list[tf.Variable]:
        """The variables that the optimizer of "generators" or "discriminators" moves."""
        networks = {"generators": self.generators, "discriminators": self.discriminators}[kind]
        return [variable for network in networks.values() for variable in network.trainable_variables]

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

    # One graph, traced once, whatever loop Keras puts around it.
    @tf.function(autograph=False)
    def train_step(self, batch: tuple) -> dict[str, tf.Tensor]:
        losses = self.step(batch)
        if self.average:
            self.average.update()
        self.steps_done.assign_add(1)
        for name, loss in losses.items():
            self.means[name].update_state(loss)
        return {name: mean.result() for name, mean in self.means.items()}

    def minimize(self, kind: str, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """One step of the optimizer of a kind of networks; the loss was computed under the tape."""
        optimizer, variables = self.optimizers[kind], self.trained(kind)
        scaled = isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
        if scaled:
            with tape:
                loss = optimizer.get_scaled_loss(loss)
        gradients = tape.gradient(loss, variables)
        if scaled:
            gradients = optimizer.get_unscaled_gradients(gradients)
        # There is one replica. Where TensorFlow sums the gradients of several, it keeps the whole graph for ever.
        optimizer.apply_gradients(zip(gradients, variables), skip_gradients_aggregation=True)
