"""Adam as both papers have it, in one pass over each variable."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from pgtf.foundation.keras_versions import NO_XLA, index_in


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


class Adam(keras.optimizers.Adam):
    """Keras's Adam, of which it keeps all but the arithmetic: that is one operation of TensorFlow's for each variable.

    Keras's own takes a dozen passes over memory, a third of a U-Net's step on a processor.

    Args:
      learning_rate: A number or schedule.
      shares: [(variable, share of the learning rate)]; of the others it is 1.
    """

    def __init__(self, learning_rate: Any, shares: Sequence[tuple[tf.Variable, float]] = (), **kwargs: Any) -> None:
        super().__init__(learning_rate, **NO_XLA, **kwargs)
        self._share_of = {self._var_key(variable): share for variable, share in shares}.get  # A dict would be tracked.

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, *_: Any) -> None:
        steps = tf.cast(self.iterations + 1, tf.float32)
        place = index_in(self, variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].handle,
            v=self._velocities[place].handle,
            beta1_power=tf.pow(self.beta_1, steps),
            beta2_power=tf.pow(self.beta_2, steps),
            lr=self.learning_rate * self._share_of(self._var_key(variable), 1.0),
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
    optimizer = Adam(schedule, [(variable, rate / schedule.rate) for variable, rate in rates], beta_1=0.5)
    if precision == "mixed_float16":
        return keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer
