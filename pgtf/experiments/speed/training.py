"""Benchmarks of training: a step of each task, and what belongs to it."""

import dataclasses
import resource
import statistics
import sys
import time

import keras
import tensorflow as tf

from pgtf import layers, recipes
from pgtf.assembly import build
from pgtf.experiments.speed import versions
from pgtf.experiments.speed.operations import multiply_adds, spent
from pgtf.experiments.speed.timing import by_turns, compared, ratio
from pgtf.experiments.speed.untrained import at, banked, first_learner, held, step_of, stream_of
from pgtf.foundation import retracing


def steps(plan, rounds, task):
    """Compares a step of task `task` (from 1) with the first task's: kernels composed, and with strategy "auto"."""
    bank, batch = banked(plan, task - 1), held(plan)
    learners = {"full": first_learner(plan)}
    for side, strategy in (("chosen", "auto"), ("composed", "compose")):
        learners[side] = build.learner(at(plan, task), bank, 1000)
        for network in learners[side].generators.values():
            for recipe in layers.made_kernels(network).values():
                recipe.strategy = strategy
    found = compared(by_turns({side: step_of(one, batch) for side, one in learners.items()}, rounds), "full")
    for side, learner in learners.items():
        found[side]["operations"] = multiply_adds(learner, batch)
    return {**found, "spent": spent(step_of(learners["chosen"], batch))}


def step(plan, rounds, task):
    """Takes a step of task `task` (from 1) at each line read, and writes its CPU seconds to standard output."""
    run = step_of(build.learner(at(plan, task), banked(plan, task - 1), 1000), held(plan))
    for _ in sys.stdin:
        begun = time.process_time()
        run()
        sys.stdout.write(f"{versions.SECONDS} {time.process_time() - begun}\n")
        sys.stdout.flush()
    return {"tensorflow": tf.__version__, "keras": keras.__version__}


def precisions(plan, rounds, task):
    """Compares a step in bfloat16 with one in float32."""
    sides, batch = {}, held(plan)
    for name in ("float32", "mixed_bfloat16"):
        each = dataclasses.replace(at(plan, task), training=dataclasses.replace(plan.training, precision=name))
        sides[name] = step_of(build.learner(each, banked(plan, task - 1), 1000), batch)
    found = compared(by_turns(sides, rounds), "float32")
    return {**found, "spent": spent(sides["mixed_bfloat16"])}


def xla(plan, rounds, task):
    """Compares a step compiled by XLA with one that TensorFlow runs operation by operation."""
    learner, batch = build.learner(at(plan, task), banked(plan, task - 1), 1000), held(plan)
    compiled = tf.function(learner._step, autograph=False, jit_compile=True)
    sides = {"operations": step_of(learner, batch), "xla": lambda: float(compiled(batch)[learner.LOSSES[0]])}
    return compared(by_turns(sides, rounds), "operations")


def peak(plan, rounds):
    """Measures a full step's rate as a share of the matrix products' rate. Counts only convolutions and products."""
    learner, batch = first_learner(plan), held(plan)
    dtype = keras.mixed_precision.Policy(build.resolved(plan.training.precision)).compute_dtype
    a, side = tf.cast(tf.random.normal([2048, 2048]), dtype), 2048
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)[0]))
    times = by_turns({"step": step_of(learner, batch), "product": lambda: [product() for _ in range(4)]}, rounds)
    counted = multiply_adds(learner, batch)
    rates = [counted / step / (4 * side**3 / product) for step, product in zip(times["step"], times["product"])]
    return {"share": statistics.median(rates), "operations": counted, "spent": spent(step_of(learner, batch))}


def first_step(plan, rounds, task):
    """Measures the seconds from a given bank to the end of the first step, and the process's peak memory."""
    bank, batch = banked(plan, task - 1), held(plan)
    begun = time.perf_counter()
    step_of(build.learner(at(plan, task), bank, 1000), batch)()
    return {
        "seconds": time.perf_counter() - begun,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def pipeline(plan, rounds):
    """Compares steps on streamed images with steps on one batch in memory."""
    stream, batch, learner = stream_of(plan), held(plan), first_learner(plan)
    for place in range(len(stream.sources[0])):
        stream.sources[0][place]  # Decode and cache each image, as in a run after its first epoch.
    images = iter(stream.dataset(0, 10**6))
    times = by_turns(
        {"streamed": lambda: float(learner.train_step(next(images))["l1"]), "held": step_of(learner, batch)}, rounds
    )
    return {"throughput": ratio(times["held"], times["streamed"])}


def choice(plan, rounds):
    """Compares composing and mixing in the layers of both networks, and with the choice of strategy "auto"."""
    found = []
    # (feature map size, channels in, filters, kernel size, stride, transposed), at batch 1 and 4, with three banks.
    shapes = [(256, 6, 64, 4, 2, False), (128, 64, 128, 4, 2, False), (32, 256, 512, 4, 2, False)]
    shapes += [(16, 512, 512, 4, 2, False), (4, 512, 512, 4, 2, False), (4, 1024, 512, 4, 2, True)]
    shapes += [(16, 1024, 256, 4, 2, True), (64, 256, 64, 4, 2, True), (64, 256, 256, 3, 1, False)]
    for size, c_in, filters, kernel, stride, transposed in shapes:
        for batch in (1, 4):
            for tasks in (1, 3, 7):
                bank = (kernel, kernel, c_in, filters * (3 + tasks) // 4)
                sides: dict = {}
                x = tf.random.normal([batch, size, size, c_in])
                for strategy in ("compose", "mix"):
                    kind = layers.Conv2DTranspose if transposed else layers.Conv2D
                    with build.precision(build.resolved(plan.training.precision)):
                        recipe = recipes.Piggyback(bank, strategy=strategy)
                        layer = kind(filters, kernel, stride, "same", recipe=recipe)
                        layer.build(x.shape)
                    layer.prepare_for_training()
                    sides[strategy] = _with_gradients(layer, x)
                with retracing.silence_retracing():
                    times = by_turns(sides, rounds)
                layer.recipe.strategy = "auto"
                mixes = layer.recipe._mixes(x.shape, layer.compute_output_shape(x.shape))
                mixed = ratio(times["mix"], times["compose"])
                found.append(mixed if mixes else 1 / mixed)
    loss = statistics.mean(max(1, one) for one in found) - 1
    return {"cheaper": sum(one <= 1 for one in found) / len(found), "loss": loss, "of": len(found)}


def _with_gradients(layer, x):
    """Returns a function that runs a layer forward and backward."""

    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.cast(layer(x), tf.float32) ** 2)
        return [tf.reduce_sum(value) for value in tape.gradient(y, [x, *layer.trainable_variables])]

    return lambda: [float(value) for value in run(x)]
