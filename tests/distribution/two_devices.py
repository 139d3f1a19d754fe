"""Steps and a task learnt on two logical processors, and on one, in their own process: devices are made once in each.

Prints JSON: {case: how far the two are apart at most, in weights and losses}.
"""

import contextlib
import json
import os
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf

from pgtf.config import Config
from pgtf.distribution.strategy import strategy
from pgtf.layers import Dropout
from pgtf.methods import WidthWise
from pgtf.objectives import Classification, CycleGAN, Pix2Pix, Unconditional
from pgtf.storage.bank import FilterBank
from pgtf.training.sequence import SequentialTrainer


def network(channels, filters, activation, seed, drops=False):
    start = keras.initializers.RandomNormal(stddev=0.3, seed=seed)
    layer = keras.layers.Conv2D(filters, 3, padding="same", activation=activation, kernel_initializer=start)
    return keras.Sequential([keras.Input((None, None, channels)), layer, *([Dropout(0.5, seed=3)] if drops else [])])


def batches(steps, count=4):
    draw = np.random.default_rng(0)
    for _ in range(steps):
        yield tuple(tf.constant(draw.uniform(-1, 1, [count, 8, 8, 3]), tf.float32) for _ in range(2))


def stepped(objective, wrap, parts, where):
    """Takes two steps and returns the weights and the reported losses."""
    with where.scope():
        generators = {
            name: network(3, 3, "tanh", seed, drops=not objective.architecture)
            for seed, name in enumerate(objective.networks)
        }
        discriminators = {
            name: network(one.channels, 1, None, seed)
            for seed, (name, one) in enumerate(objective.auxiliary.items(), 2)
        }
        optimizers = {kind: wrap(keras.optimizers.SGD(0.01)) for kind in ("generators", "discriminators")}
        learner = objective.learner(generators, discriminators, optimizers, image_shape=(8, 8, 3))
        learner.with_accumulation(parts).with_ema(0.5)
    step = tf.function(lambda batch: where.run(learner.train_step, (batch,)))
    replicas = where.num_replicas_in_sync
    tf.config.run_functions_eagerly(replicas == 1)  # Is as good to compare with, and takes no time to trace.
    for whole in batches(2):
        split = [tf.split(x, replicas) for x in whole]
        batch = whole
        if replicas > 1:
            batch = where.experimental_distribute_values_from_function(
                lambda context: tuple(parts[context.replica_id_in_sync_group] for parts in split)  # noqa: B023
            )
        step(batch)
    values = [variable.numpy() for kind in optimizers for variable in learner.trained(kind)]
    values += [value.numpy() for value in learner.average.values]
    values += [np.float32(mean.result()) for mean in learner.means.values()]
    return [*values, np.float32(learner.steps_done.numpy())]


def learnt(distribute, tasks=("maps",), **settings):
    """Learns one task in a few steps and returns its stored values."""
    tf.config.run_functions_eagerly(distribute == "none")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        config = Config(run_dir=os.path.join(folder, "run"), distribute=distribute, tasks=tasks, **settings)
        SequentialTrainer(config).run()
        bank = FilterBank.open(os.path.join(config.run_dir, "tasks"))
        each = [bank.slice(index).values for index in range(len(bank))]
        # Not biases: before a norm their gradients are zero, and Adam makes whole steps of what rounding leaves.
        return [np.array(one[path]) for one in each for path in sorted(one) if path.endswith(("unconstrained", "free"))]


def apart(one, other):
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other))


def both_and_alone():
    """Makes two devices, and returns the strategies of both and of one."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return strategy("mirrored"), strategy("none")


def steps():
    """Compares steps."""
    both, alone = both_and_alone()
    scaled = keras.mixed_precision.LossScaleOptimizer
    found = {}
    for name, objective, wrap, parts in (
        ("pix2pix", Pix2Pix(), lambda optimizer: optimizer, 1),
        ("cyclegan", CycleGAN(pool_size=3), scaled, 1),
    ):
        one, two = (stepped(objective, wrap, parts, where) for where in (alone, both))
        found[name] = apart(one, two)
    print(json.dumps(found))


def runs():
    """Compares learned tasks."""
    both_and_alone()
    small = dict(image_size="16", width=2, discriminator_width=2, discriminator_layers=1, batch_size=4, steps=4)
    small.update(drawn_images=8, steps_per_call=2, log_every=2)
    found = {"run": apart(learnt("none", **small), learnt("mirrored", **small))}
    classes = {
        name: small[name] for name in ("image_size", "width", "batch_size", "steps", "drawn_images", "log_every")
    }
    classes.update(objective=Classification(class_balance=True), network="resnet18", options=(("stages", 1),))
    classes.update(norm="batch", learning_rate=0.01)
    found["classes"] = apart(*(learnt(where, ("shapes",), **classes) for where in ("none", "mirrored")))
    # Eight images, so that each device has whole groups of four, whose spread the discriminator sees.
    faces = dict(image_size="16", width=2, discriminator_width=2, batch_size=8, steps=4, drawn_images=16)
    faces.update(network="stylegan2", norm="none", options=(("mapping_layers", 1), ("narrow_from", 4)))
    faces.update(objective=Unconditional(r1_every=2, path_length_every=2), learning_rate=2e-3, log_every=2)
    found["faces"] = apart(*(learnt(where, ("faces",), **faces) for where in ("none", "mirrored")))
    faces.update(schedule="together", method=WidthWise(0.5), steps=2)
    found["together"] = apart(*(learnt(where, ("faces", "cats"), **faces) for where in ("none", "mirrored")))
    print(json.dumps(found))
