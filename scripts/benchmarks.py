"""Measurements of speed, of two or more sides by turns: on a shared machine ratios hold, times don't.

A benchmark is a function of (config, rounds) that yields lines to print, and a row of BENCHMARKS.
"""

import dataclasses
import glob
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Callable

import keras
import numpy as np
import tensorflow as tf

import pgtf
from pgtf import layers
from pgtf.config import Config
from pgtf.data.stream import Stream
from pgtf.evaluation.parameters import full_values
from pgtf.methods import Piggyback
from pgtf.objectives.learner import Learner
from pgtf.runs import building
from pgtf.runs.bank import FilterBank
from pgtf.runs.facts import Facts
from pgtf.runs.listing import rows
from pgtf.serving.combined import write_combined
from pgtf.serving.direction import Direction
from pgtf.serving.saved_model import write_saved_model


def by_turns(sides, rounds):
    """{name: function of nothing} -> {name: seconds of each round}; two rounds before them don't count."""
    times = {name: [] for name in sides}
    for number in range(rounds + 2):
        for name in sorted(sides, reverse=number % 2):  # Taking turns at going first.
            begun = time.perf_counter()
            sides[name]()
            times[name].append(time.perf_counter() - begun)
    return {name: seconds[2:] for name, seconds in times.items()}


def ratio(ours, theirs):
    """The median ratio of neighbouring rounds: neighbours share what else the machine does."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def training(config: Config, rounds: int) -> Iterator[str]:
    """A training step of the first task (full kernels) and of the second, by each way to apply piggyback kernels."""
    held = tf.data.Dataset.from_tensors(next(iter(_stream(config).dataset(0, 1)))).repeat()
    first = building.learner(config, 0, FilterBank(), 1000)
    sides = {"full": _step(first, held)}
    bank = _bank(config, first)
    for strategy in ("auto", "compose", "mix"):
        learner = building.learner(config, 1, bank, 1000)
        for network in learner.generators.values():
            for recipe in layers.made_kernels(network).values():
                recipe.strategy = strategy
        sides[f"piggyback, {strategy}"] = _step(learner, held)
    times = by_turns(sides, rounds)
    for name, seconds in times.items():
        median = statistics.median(seconds)
        yield f"{name:<20} {1 / median:6.2f} steps/s {median:8.3f} s   x{ratio(seconds, times['full']):.2f} of full"
    yield f"peak memory, these {len(sides)} together: {_peak():.1f} GiB"


def memory(config: Config, rounds: int) -> Iterator[str]:
    """The peak memory of learning a first task."""
    step = _step(building.learner(config, 0, FilterBank(), 1000), _stream(config).dataset(0, 10**6))
    for _ in range(min(rounds, 5)):
        step()
    yield f"{_peak():.1f} GiB (run it alone, with --only=memory: a process remembers its highest)"


def pipeline(config: Config, rounds: int) -> Iterator[str]:
    """What share of a step is waiting for images: streamed ones against one batch held ready."""
    stream = _stream(config)
    learner = building.learner(config, 0, FilterBank(), 1000)
    streamed = stream.dataset(0, 10**6)
    source = stream.sources[0]
    for place in range(len(source)):
        source[place]  # Decoded once and held, as in a run after its first pass.
    images = iter(streamed)
    held = tf.data.Dataset.from_tensors(next(images)).repeat()
    # More at once than are held ready, so that the images' own time shows.
    sides = {
        "streamed": _step(learner, streamed),
        "held": _step(learner, held),
        "64 images alone": lambda: [next(images) for _ in range(64)],
    }
    times = by_turns(sides, rounds)
    for name, seconds in times.items():
        yield f"{name:<20} {statistics.median(seconds):8.4f} s"
    yield f"waiting for images: {max(0.0, 1 - ratio(times['held'], times['streamed'])):.1%} of a step"


def serving(config: Config, rounds: int) -> Iterator[str]:
    """A second task's exported network against one built of stock Keras layers, each as a SavedModel."""
    architecture = building.architecture(config)
    bank = _bank(config, building.learner(config, 0, FilterBank(), 1000))
    image = keras.Input((None, None, 3))
    second = building.generators(architecture, config.method, ("forward",), bank)
    networks = {
        "exported": layers.folded(second["forward"]),
        "stock": keras.Model(image, architecture(image, _Stock("stock"), config.width)),
    }
    with tempfile.TemporaryDirectory() as folder:
        served = {}
        for name, network in networks.items():
            write_saved_model(network, architecture.multiple, {}, os.path.join(folder, name))
            served[name] = tf.saved_model.load(os.path.join(folder, name)).signatures["serving_default"]
        picture = tf.cast(tf.random.uniform([1, *config.size, 3], 0, 256, tf.int32), tf.uint8)
        times = by_turns(
            {name: lambda ask=ask: ask(images=picture)["images"].numpy() for name, ask in served.items()}, 3 * rounds
        )
    for name, seconds in times.items():
        yield f"{name:<20} {statistics.median(seconds):8.4f} s"
    yield f"exported takes x{ratio(times['exported'], times['stock']):.3f} of stock"


def many(config: Config, rounds: int) -> Iterator[str]:
    """One task of a hundred against one of two, all of which mix the first; and four in one SavedModel against one."""
    config = dataclasses.replace(config, method=Piggyback(borrow_from="first"))
    with tempfile.TemporaryDirectory() as folder:
        runs = {count: _run_of(config, count, os.path.join(folder, str(count))) for count in (2, 4, 100)}
        picture = np.random.default_rng(0).integers(0, 256, (*config.size, 3), "uint8")
        opened = {
            f"{count} tasks, one answers": lambda at=at: pgtf.load(at)["task1"](picture) for count, at in runs.items()
        }
        listed = {f"{count} tasks, a list": lambda at=at: rows(at) for count, at in runs.items()}
        four = pgtf.load(runs[4])
        directions = [Direction(task, "forward") for task in four]
        write_combined(directions, os.path.join(folder, "combined"))
        write_saved_model(layers.folded(four["task1"].networks["forward"]), 1, {}, os.path.join(folder, "one"))
        ask = {
            name: tf.saved_model.load(os.path.join(folder, name)).signatures["floats"] for name in ("combined", "one")
        }
        given = tf.constant(picture[None] / np.float32(127.5) - 1)
        served = {
            "combined, task 1": lambda: ask["combined"](images=given, task=tf.constant("task0"))["images"].numpy(),
            "combined, task 2": lambda: ask["combined"](images=given, task=tf.constant("task1"))["images"].numpy(),
            "one": lambda: ask["one"](images=given)["images"].numpy(),
        }
        for sides, count in ((opened, min(rounds, 3)), (listed, rounds), (served, rounds)):
            for name, seconds in by_turns(sides, count).items():
                yield f"{name:<26} {statistics.median(seconds):8.4f} s"
        for name in ("combined", "one"):
            files = glob.glob(os.path.join(folder, name, "**", "*.*"), recursive=True)
            yield f"{name:<26} {sum(map(os.path.getsize, files)) / 1e6:8.1f} MB"


def _run_of(config: Config, count: int, folder: str) -> str:
    """A run of tasks as if learnt, where all but the first share one file of values."""
    bank, shape = FilterBank(folder=os.path.join(folder, "tasks")), building.architecture(config)
    facts = Facts(shape, config.method, config.objective, full_values=full_values(shape, ("forward",)))
    for index in range(count):
        lenders = bank.only(config.method.borrows(bank.names))
        if index < 2:
            networks = building.generators(shape, config.method, ("forward",), lenders, seed=index)
            learnt = building.slice_of("task0", networks, lenders, facts)
        bank.append(dataclasses.replace(learnt, name=f"task{index}"))
        if index > 1:
            path = os.path.join(bank.place(index, f"task{index}"), "slice.safetensors")
            os.unlink(path)
            os.link(os.path.join(bank.place(1, "task1"), "slice.safetensors"), path)
    return folder


class _Stock(layers.Maker):
    """Keras's own convolutions."""

    def conv(self, name, filters, kernel_size, *, strides=1, padding="same", task_specific=False):
        return keras.layers.Conv2D(filters, kernel_size, strides, padding, name=name)

    def up(self, name, filters, kernel_size, *, task_specific=False):
        return keras.layers.Conv2DTranspose(filters, kernel_size, 2, "same", name=name)


def _stream(config: Config) -> Stream:
    drawn = dataclasses.replace(config, data_dir="", drawn_images=20)
    return building.stream(drawn, 0, building.finder(drawn)("facades"))


def _bank(config: Config, learner: Learner) -> FilterBank:
    """The bank after a task that was hardly learnt."""
    facts = Facts(building.architecture(config), config.method, config.objective)
    return FilterBank([building.slice_of("first", learner.generators, FilterBank(), facts)])


def _step(learner: Learner, dataset: tf.data.Dataset) -> Callable:
    """A function that does one training step, compiled."""
    batches = iter(dataset)
    return lambda: float(learner.train_step(next(batches))[learner.LOSSES[0]])


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


BENCHMARKS = {"training": training, "memory": memory, "pipeline": pipeline, "serving": serving, "many": many}
