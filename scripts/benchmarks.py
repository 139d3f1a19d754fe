"""Measurements of speed, of two or more sides by turns: on a shared machine ratios hold, times don't.

A benchmark is a function of (config, rounds) that yields lines to print, and a row of BENCHMARKS.
"""

import dataclasses
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Callable

import keras
import tensorflow as tf

from pgtf import layers
from pgtf.config import Config
from pgtf.data.stream import Stream
from pgtf.objectives.learner import Learner
from pgtf.runs import building
from pgtf.runs.bank import FilterBank
from pgtf.runs.facts import Facts
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


BENCHMARKS = {"training": training, "memory": memory, "pipeline": pipeline, "serving": serving}
