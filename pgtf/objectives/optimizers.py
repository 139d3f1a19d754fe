"""Adam, and SGD with momentum, each in one pass over a variable."""

from collections.abc import Sequence
from typing import Any, Optional

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

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: Any = None) -> None:
        # Keras 3 passes the rate that it computed for all variables; each read of self.learning_rate computes it again.
        rate = self.learning_rate if learning_rate is None else learning_rate
        steps = tf.cast(self.iterations + 1, tf.float32)
        place = index_in(self, variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].handle,
            v=self._velocities[place].handle,
            beta1_power=tf.pow(self.beta_1, steps),
            beta2_power=tf.pow(self.beta_2, steps),
            lr=rate * self._share_of(self._var_key(variable), 1.0),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )


class Decaying(Adam):
    """Adam, or SGD with momentum, on a loss with an L2 penalty: m ← μ m + (g + λ v); v ← v - η m.

    Variables with another learning rate, such as the scores of masks, take Adam without the penalty.

    Args:
      learning_rate, shares: As for `Adam`.
      momentum: μ of SGD; None for Adam.
      decay: λ, the weight of the penalty. Default: 0.
    """

    def __init__(
        self,
        learning_rate: Any,
        shares: Sequence[tuple[tf.Variable, float]] = (),
        *,
        momentum: Optional[float] = None,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, shares, **kwargs)
        self._sgd_momentum, self._decay = momentum, decay

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: Any = None) -> None:
        if self._share_of(self._var_key(variable)) is not None:
            super().update_step(gradient, variable, learning_rate)
            return
        gradient = tf.convert_to_tensor(gradient) + self._decay * variable
        if self._sgd_momentum is None:
            super().update_step(gradient, variable, learning_rate)
            return
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=self._momentums[index_in(self, variable)].handle,
            lr=self.learning_rate if learning_rate is None else learning_rate,
            grad=gradient,
            momentum=self._sgd_momentum,
        )


def adam(
    schedule: LinearDecay,
    precision: str = "float32",
    rates: Sequence[tuple[tf.Variable, float]] = (),
    kind: type[Adam] = Adam,
    **settings: Any,
) -> keras.optimizers.Optimizer:
    """Returns Adam with the papers' settings, and with loss scaling for mixed_float16.

    Args:
      schedule: Schedule of the learning rate.
      precision: Name of the networks' dtype policy.
      rates: [(variable, initial learning rate)] of variables with another rate; it decays like the others'.
      kind: The optimizer's class. Default: Adam.
      **settings: Its further settings. Default: β₁ = 0.5.

    Returns:
      An optimizer.
    """
    shares = [(variable, rate / schedule.rate) for variable, rate in rates]
    optimizer = kind(schedule, shares, **{"beta_1": 0.5, **settings})
    if precision == "mixed_float16":
        return keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer
