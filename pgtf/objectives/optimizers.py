"""Adam with the settings of pix2pix and CycleGAN, in one pass over each variable."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from pgtf.foundation.keras_versions import NO_XLA, index_in


@keras.saving.register_keras_serializable(package="pgtf")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate `rate` up to step `begin`, then linear decay to zero at step `end`."""

    def __init__(self, rate: float, begin: int, end: int) -> None:
        self.rate, self.begin, self.end = rate, begin, end

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        left = (self.end - tf.cast(step, tf.float32)) / max(1, self.end - self.begin)
        return self.rate * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "begin": self.begin, "end": self.end}


class Adam(keras.optimizers.Adam):
    """Keras's Adam with its update replaced by TensorFlow's fused operation, one for each variable.

    Keras's update takes a dozen passes over memory: a third of a U-Net's training step on a CPU.

    Args:
      learning_rate: A number or schedule.
      shares: [(variable, factor of its learning rate)]. Default: 1 for every variable.
    """

    def __init__(self, learning_rate: Any, shares: Sequence[tuple[tf.Variable, float]] = (), **kwargs: Any) -> None:
        super().__init__(learning_rate, **NO_XLA, **kwargs)
        self._share_of = {self._var_key(variable): share for variable, share in shares}.get  # Keras would track a dict.

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
    """Returns Adam with the papers' settings, and with loss scaling for mixed_float16.

    Args:
      schedule: Schedule of the learning rate.
      precision: Name of the networks' dtype policy.
      rates: [(variable, initial learning rate)] of variables with another rate; it decays like the others'.

    Returns:
      An optimizer.
    """
    optimizer = Adam(schedule, [(variable, rate / schedule.rate) for variable, rate in rates], beta_1=0.5)
    if precision == "mixed_float16":
        return keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer
