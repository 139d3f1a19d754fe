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


def jointly(network, *batches):
    """The network's outputs for several batches: in one pass, unless a batch norm would mix them."""
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers):
        return [network(batch, training=True) for batch in batches]
    return tf.split(network(tf.concat(batches, 0), training=True), [tf.shape(batch)[0] for batch in batches])


class Objective(keras.Model):
    """Networks and how they learn, driven by Keras's fit. A subclass says LOSSES and step.

    networks: {"forward": …}, what the task keeps. critics: the discriminators. optimizers: one for each of the two
    parties, {"generator": …, "discriminator": …}.
    """

    LOSSES = ()

    def __init__(self, networks, critics, optimizers):
        super().__init__()
        self.networks, self.optimizers = dict(networks), dict(optimizers)
        self.party = {
            "generator": [v for network in networks.values() for v in network.trainable_variables],
            "discriminator": [v for critic in critics for v in critic.trainable_variables],
        }
        # Made now, not in the step: a function that makes variables is traced twice.
        for who, optimizer in self.optimizers.items():
            optimizer.build(self.party[who])
        self.steps_done = tf.Variable(0, trainable=False, dtype=tf.int64, name="steps_done")
        self.means = {name: keras.metrics.Mean(name) for name in self.LOSSES}

    @property
    def metrics(self):
        return list(self.means.values())

    def step(self, batch):
        """Learns from one batch and gives {name: loss}."""
        raise NotImplementedError

    @tf.function  # One graph, traced once, whatever loop Keras puts around it.
    def train_step(self, batch):
        losses = self.step(batch)
        self.steps_done.assign_add(1)
        for name, loss in losses.items():
            self.means[name].update_state(loss)
        return {name: mean.result() for name, mean in self.means.items()}

    def minimize(self, who, tape, loss):
        """One step of a party's optimizer; the loss was computed under the tape."""
        optimizer, variables = self.optimizers[who], self.party[who]
        scaled = isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
        if scaled:
            with tape:
                loss = optimizer.get_scaled_loss(loss)
        gradients = tape.gradient(loss, variables)
        if scaled:
            gradients = optimizer.get_unscaled_gradients(gradients)
        optimizer.apply_gradients(zip(gradients, variables))
