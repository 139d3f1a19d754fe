"""What both objectives share: named losses as metrics, mixed precision, a learning rate that falls."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="pgtf")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`rate` up to step `begin`, then linearly to zero at step `end`."""

    def __init__(self, rate, begin, end):
        self.rate, self.begin, self.end = rate, begin, end

    def __call__(self, step):
        left = (self.end - tf.cast(step, tf.float32)) / max(1, self.end - self.begin)
        return self.rate * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self):
        return {"rate": self.rate, "begin": self.begin, "end": self.end}


def adam(schedule, precision):
    """Adam as both papers have it; with loss scaling where 16-bit floats need it."""
    optimizer = keras.optimizers.Adam(schedule, beta_1=0.5)
    if precision == "mixed_float16":
        return keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


class Objective(keras.Model):
    """Networks and how they learn, driven by Keras's fit. A subclass says LOSSES and train_step.

    optimizers: {"generator": …, "discriminator": …}. `networks` are what the task keeps.
    """

    LOSSES = ()

    def __init__(self, networks, optimizers):
        super().__init__()
        self.networks, self.optimizers = dict(networks), dict(optimizers)
        self.steps_done = tf.Variable(0, trainable=False, dtype=tf.int64, name="steps_done")
        self.means = {name: keras.metrics.Mean(name) for name in self.LOSSES}

    @property
    def metrics(self):
        return list(self.means.values())

    def minimize(self, which, tape, loss, variables):
        """One Adam step on variables; loss is unscaled and was computed under the tape."""
        optimizer = self.optimizers[which]
        scaled = isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
        if scaled:
            with tape:
                loss = optimizer.get_scaled_loss(loss)
        gradients = tape.gradient(loss, variables)
        if scaled:
            gradients = optimizer.get_unscaled_gradients(gradients)
        optimizer.apply_gradients(zip(gradients, variables))

    def report(self, **losses):
        """Counts the step and averages the losses until the next log line."""
        self.steps_done.assign_add(1)
        for name, loss in losses.items():
            self.means[name].update_state(loss)
        return {name: mean.result() for name, mean in self.means.items()}
