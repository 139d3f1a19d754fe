"""Speed benchmarks. They alternate between the sides: on a shared machine ratios are stable, times are not.

A benchmark is a function (plan of a task, rounds, **arguments) -> figures for JSON, and a row of BENCHMARKS.
"""

import dataclasses
import glob
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers, recipes
from pgtf.assembly import accounting, build
from pgtf.assembly.accounting import summary
from pgtf.assembly.bank import NetworkBank, slice_of
from pgtf.assembly.parameters import full_values
from pgtf.assembly.planned_data import finder
from pgtf.experiments.speed import answers, versions
from pgtf.experiments.speed.operations import multiply_adds, spent
from pgtf.foundation import retracing
from pgtf.methods import Piggyback
from pgtf.runs.listing import rows
from pgtf.runs.pack import load
from pgtf.serving.combined import write_combined
from pgtf.serving.direction import Direction
from pgtf.serving.saved_model import write_saved_model
from pgtf.storage import layout
from pgtf.storage.facts import Facts


def by_turns(sides, rounds):
    """Times functions by turns, after two rounds of warm-up: {name: function} -> {name: seconds of each round}."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 2):
        for name in sorted(sides, reverse=number % 2 > 0):  # Alternate who goes first.
            begun = time.perf_counter()
            sides[name]()
            times[name].append(time.perf_counter() - begun)
    return {name: seconds[2:] for name, seconds in times.items()}


def ratio(ours, theirs):
    """Returns the median ratio over rounds. The two sides of a round run under the same load of the machine."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def compared(times, base):
    """Returns {side: {"seconds": median, "ratio": ratio to the side `base`}}."""
    return {
        name: {"seconds": statistics.median(seconds), "ratio": ratio(seconds, times[base])}
        for name, seconds in times.items()
    }


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
    return {"seconds": time.perf_counter() - begun, "peak_gib": _peak()}


def pipeline(plan, rounds):
    """Compares steps on streamed images with steps on one batch in memory."""
    stream, batch, learner = _stream(plan), held(plan), first_learner(plan)
    for place in range(len(stream.sources[0])):
        stream.sources[0][place]  # Decode and cache each image, as in a run after its first epoch.
    images = iter(stream.dataset(0, 10**6))
    times = by_turns(
        {"streamed": lambda: float(learner.train_step(next(images))["l1"]), "held": step_of(learner, batch)}, rounds
    )
    return {"throughput": ratio(times["held"], times["streamed"])}


def serving(plan, rounds):
    """Compares the exported network of a second task with one of stock Keras layers, each as a SavedModel."""
    architecture = plan.architecture
    image = keras.Input(architecture.input)
    second = build.generators(architecture, plan.method, ("forward",), banked(plan, 1))
    networks = {
        "exported": layers.folded(second["forward"]),
        "stock": keras.Model(image, architecture(image, _Stock("stock"), architecture.width)),
    }
    with tempfile.TemporaryDirectory() as folder:
        served = {}
        for name, network in networks.items():
            write_saved_model(network, architecture.multiple, {}, os.path.join(folder, name))
            served[name] = tf.saved_model.load(os.path.join(folder, name)).signatures["serving_default"]
        picture = tf.cast(tf.random.uniform([1, *plan.data.size, 3], 0, 256, tf.int32), tf.uint8)
        sides = {name: lambda ask=ask: ask(images=picture)["images"].numpy() for name, ask in served.items()}
        return compared(by_turns(sides, 3 * rounds), "stock")


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


def many(plan, rounds, tasks):
    """Compares a run of `tasks` tasks, all of which borrow from the first, with a run of two.

    Measures opening a task and translating one image, listing the run, the memory of a process that opens a task, and
    the stored size of the last task as a share of a full network.
    """
    plan = dataclasses.replace(plan, method=Piggyback(borrow_from="first"))
    with tempfile.TemporaryDirectory() as folder:
        runs = {str(count): _run_of(plan, count, os.path.join(folder, str(count))) for count in {2, tasks}}
        picture = np.random.default_rng(0).integers(0, 256, (*plan.data.size, 3), "uint8")
        opened = {name: lambda at=at: load(at)["task1"](picture) for name, at in runs.items()}
        listed = {name: lambda at=at: rows(at) for name, at in runs.items()}
        return {
            "open": compared(by_turns(opened, rounds), "2")[str(tasks)],
            "list": compared(by_turns(listed, rounds), "2")[str(tasks)],
            "peak_gib": _peak_of_opening(runs[str(tasks)], plan.data.size),
            "shares": {lenders: _share_of_last(plan, tasks, lenders) for lenders in ("all", "last:2", "first")},
        }


def combined(plan, rounds):
    """Compares four tasks in one SavedModel with one task in its own."""
    plan = dataclasses.replace(plan, method=Piggyback(borrow_from="first"))
    with tempfile.TemporaryDirectory() as folder:
        four = load(_run_of(plan, 4, os.path.join(folder, "run")))
        paths = {name: os.path.join(folder, name) for name in ("combined", "one")}
        write_combined([Direction(task, "forward") for task in four], paths["combined"])
        write_saved_model(layers.folded(four["task1"].networks["forward"]), 1, {}, paths["one"])
        ask = {name: tf.saved_model.load(path).signatures["floats"] for name, path in paths.items()}
        given, second = tf.random.uniform([1, *plan.data.size, 3], -1, 1), tf.constant("task1")
        sides = {
            "combined": lambda: ask["combined"](images=given, task=second)["images"].numpy(),
            "one": lambda: ask["one"](images=given)["images"].numpy(),
        }
        megabytes = {}
        for name, path in paths.items():
            written = glob.glob(os.path.join(path, "**", "*.*"), recursive=True)
            megabytes[name] = sum(map(os.path.getsize, written)) / 1e6
        return {**compared(by_turns(sides, rounds), "one"), "megabytes": megabytes}


def _share_of_last(plan, tasks, lenders):
    """Returns the stored size of the last task as a share of a full network."""
    method = dataclasses.replace(plan.method, borrow_from=lenders)
    names = [f"task{index}" for index in range(tasks)]
    return summary(accounting.plan(names, plan.architecture, method, ("forward",)))["tasks"][-1]["share"]


def _peak_of_opening(run, size):
    """Returns the peak memory in GiB of a new process that opens one task and translates one image."""
    code = (
        "import resource, sys, numpy, pgtf; pgtf.load(sys.argv[1])['task1'](numpy.zeros([*map(int, sys.argv[2:]), 3], "
        "'uint8')); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    # ru_maxrss includes the memory of the process that forked, so a small shell forks instead of this process.
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", code, run, *map(str, size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout.split()[-1]) / 2**20


def _run_of(plan, count, folder):
    """Builds a run of untrained tasks, where all but the first share one file of values."""
    bank, shape = NetworkBank(folder=os.path.join(folder, layout.TASKS)), plan.architecture
    facts = Facts(shape, plan.method, plan.objective, full_values=full_values(shape, ("forward",)))
    for index in range(count):
        lenders = bank.only(plan.method.borrows(bank.names))
        if index < 2:
            networks = build.generators(shape, plan.method, ("forward",), lenders, seed=index)
            made = slice_of("task0", networks, lenders, facts)
        bank.append(dataclasses.replace(made, name=f"task{index}"))
        if index > 1:
            path = os.path.join(bank.place(index, f"task{index}"), layout.TENSORS)
            os.unlink(path)
            os.link(os.path.join(bank.place(1, "task1"), layout.TENSORS), path)
    return folder


class _Stock(layers.LayerFactory):
    """A factory of Keras's own convolutions."""

    def conv(self, name, filters, kernel_size, *, strides=1, padding="same", task_specific=False, inputs=1, level=0):
        return keras.layers.Conv2D(filters, kernel_size, strides, padding, name=name)

    def up(self, name, filters, kernel_size, **settings):
        return keras.layers.Conv2DTranspose(filters, kernel_size, 2, "same", name=name)


def _with_gradients(layer, x):
    """Returns a function that runs a layer forward and backward."""

    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.cast(layer(x), tf.float32) ** 2)
        return [tf.reduce_sum(value) for value in tape.gradient(y, [x, *layer.trainable_variables])]

    return lambda: [float(value) for value in run(x)]


def _stream(plan):
    drawn = dataclasses.replace(plan.data, data_dir="", drawn_images=20)
    return build.stream(plan, finder(drawn, plan.objective.batch, plan.run.seed)("facades"))


def at(plan, task):
    """Returns the plan of task `task` (from 1)."""
    return dataclasses.replace(plan, index=task - 1)


def first_learner(plan):
    """Builds the learner of a first task."""
    return build.learner(plan, NetworkBank(), 1000)


def held(plan):
    """Returns one batch."""
    return next(iter(_stream(plan).dataset(0, 1)))


def banked(plan, tasks):
    """Builds the bank of `tasks` untrained tasks. Speed does not depend on values."""
    bank, shape = NetworkBank(), plan.architecture
    for number in range(tasks):
        lenders = bank.only(plan.method.borrows(bank.names))
        networks = build.generators(shape, plan.method, plan.objective.networks, lenders, number)
        facts = Facts(shape, plan.method, plan.objective)
        bank.append(slice_of(f"task{number + 1}", networks, lenders, facts))
    return bank


def step_of(learner, batch):
    """Returns a function that runs one training step as a graph."""
    return lambda: float(learner.train_step(batch)[learner.LOSSES[0]])


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


BENCHMARKS: dict[str, Callable[..., Any]] = dict(
    steps=steps,
    step=step,
    precisions=precisions,
    xla=xla,
    peak=peak,
    first_step=first_step,
    pipeline=pipeline,
    serving=serving,
    choice=choice,
    many=many,
    combined=combined,
    **{each.__name__: each for each in (answers.swap, answers.steady, answers.photos, answers.opened, answers.start)},
)
