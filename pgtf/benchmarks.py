"""Measurements of speed, of two or more sides by turns: on a shared machine ratios hold, times don't.

A benchmark is a function of (config, rounds) that yields lines to print, and a row of BENCHMARKS.
"""

import dataclasses
import os
import resource
import statistics
import tempfile
import time

import keras
import tensorflow as tf

from pgtf.bank import FilterBank, TaskSlice
from pgtf.data.stream import Stream
from pgtf.data.tasks import Finder
from pgtf.experiment import Experiment
from pgtf.export import write_saved_model
from pgtf.layers import folded, stored
from pgtf.methods import Maker


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


def training(config, rounds):
    """A training step of the first task (full kernels) and of the second, by each way to apply piggyback kernels."""
    experiment = Experiment(dataclasses.replace(config, tasks=("facades", "maps")))
    held = tf.data.Dataset.from_tensors(next(iter(_stream(experiment).dataset(0, 1)))).repeat()
    first = experiment.objective(0, 1000)
    sides = {"full": _step(first, held)}
    experiment.bank = _bank(first)
    for way in ("auto", "compose", "mix"):
        sides[f"piggyback, {way}"] = _step(experiment.objective(1, 1000, apply=way), held)
    times = by_turns(sides, rounds)
    for name, seconds in times.items():
        median = statistics.median(seconds)
        yield f"{name:<20} {1 / median:6.2f} steps/s {median:8.3f} s   x{ratio(seconds, times['full']):.2f} of full"
    yield f"peak memory, these {len(sides)} together: {_peak():.1f} GiB"


def memory(config, rounds):
    """The peak memory of learning a first task."""
    experiment = Experiment(dataclasses.replace(config, tasks=("facades",)))
    step = _step(experiment.objective(0, 1000), _stream(experiment).dataset(0, 10**6))
    for _ in range(min(rounds, 5)):
        step()
    yield f"{_peak():.1f} GiB (run it alone, with --only=memory: a process remembers its highest)"


def pipeline(config, rounds):
    """What share of a step is waiting for images: streamed ones against one batch held ready."""
    experiment = Experiment(dataclasses.replace(config, tasks=("facades",)))
    stream = _stream(experiment)
    objective = experiment.objective(0, 1000)
    streamed = stream.dataset(0, 10**6)
    source = stream.sources[0]
    for place in range(len(source)):
        source[place]  # Decoded once and held, as in a run after its first pass.
    images = iter(streamed)
    held = tf.data.Dataset.from_tensors(next(images)).repeat()
    # More at once than are held ready, so that the images' own time shows.
    sides = {
        "streamed": _step(objective, streamed),
        "held": _step(objective, held),
        "64 images alone": lambda: [next(images) for _ in range(64)],
    }
    times = by_turns(sides, rounds)
    for name, seconds in times.items():
        yield f"{name:<20} {statistics.median(seconds):8.4f} s"
    yield f"waiting for images: {max(0.0, 1 - ratio(times['held'], times['streamed'])):.1%} of a step"


def serving(config, rounds):
    """A second task's exported network against one built of stock Keras layers, each as a SavedModel: at most 1.05."""
    experiment = Experiment(dataclasses.replace(config, tasks=("facades", "maps")))
    experiment.bank = _bank(experiment.objective(0, 1000))
    architecture = experiment.architecture
    image = keras.Input((None, None, 3))
    networks = {
        "exported": folded(experiment.generators(1)["forward"]),
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


class _Stock(Maker):
    """Keras's own convolutions."""

    def conv(self, name, filters, kernel_size, *, strides=1, padding="same", task_specific=False):
        return keras.layers.Conv2D(filters, kernel_size, strides, padding, name=name)

    def up(self, name, filters, kernel_size, *, task_specific=False):
        return keras.layers.Conv2DTranspose(filters, kernel_size, 2, "same", name=name)


def _stream(experiment):
    config = experiment.config
    find = Finder("", experiment.paired, config.size, config.load, drawn_images=20)
    task = find("facades")
    return Stream(task.train, *config.size, batch_size=config.batch_size, pairs_apart=task.pairs_apart)


def _bank(objective):
    """The bank after a task that was hardly learnt."""
    values = {path: value for network in objective.networks.values() for path, value in stored(network).items()}
    return FilterBank([TaskSlice("first", values)])


def _step(objective, dataset):
    """A function that does one training step, compiled."""
    batches = iter(dataset)
    return lambda: float(objective.train_step(next(batches))[objective.LOSSES[0]])


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


BENCHMARKS = {"training": training, "memory": memory, "pipeline": pipeline, "serving": serving}
