"""Measurements of speed, each of things side by side in one process: ratios hold on a shared machine, times don't."""

import dataclasses
import resource
import statistics
import time

import tensorflow as tf

from pgtf.bank import FilterBank, TaskSlice
from pgtf.data.stream import Stream
from pgtf.data.tasks import Finder
from pgtf.experiment import Experiment
from pgtf.layers import stored


def side_by_side(functions, rounds):
    """{name: seconds} of calling each of {name: function} in turn, medians over rounds after one that doesn't count."""
    times = {name: [] for name in functions}
    for _ in range(rounds + 1):
        for name, function in functions.items():
            begun = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}


def training(config, rounds, steps_per_round=3):
    """A training step of the first task (full kernels) and of the second, by each way of applying piggyback kernels."""
    experiment = Experiment(dataclasses.replace(config, steps=1000, tasks=("facades", "maps")))
    data = _stream(experiment.config).dataset(0, 10**6)
    batch = next(iter(data))
    constant = tf.data.Dataset.from_tensors(batch).repeat()
    first = experiment.objective(0, 1000)
    bank = FilterBank([TaskSlice("facades", {k: v for n in first.networks.values() for k, v in stored(n).items()})])
    functions = {"full": _steps(first, constant, steps_per_round)}
    for way in ("auto", "compose", "mix"):
        experiment.bank = bank
        functions[f"piggyback, {way}"] = _steps(experiment.objective(1, 1000, apply=way), constant, steps_per_round)
    seconds = side_by_side(functions, rounds)
    for name, value in seconds.items():
        per_step = value / steps_per_round
        print(f"step, {name:<20} {1000 * per_step:9.1f} ms  {1 / per_step:6.2f}/s  x{value / seconds['full']:.2f} of full")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def pipeline(config, rounds, steps_per_round=10):
    """How much of a step is waiting for images: steps on streamed batches against steps on one batch held ready."""
    experiment = Experiment(dataclasses.replace(config, steps=1000, tasks=("facades",)))
    stream = _stream(experiment.config)
    objective = experiment.objective(0, 1000)
    streamed = stream.dataset(0, 10**6)
    constant = tf.data.Dataset.from_tensors(next(iter(streamed))).repeat()
    for place in range(len(stream.sources[0])):
        stream.sources[0][place]  # Drawn once, and held; a run does this in its first epoch.
    iterator = iter(streamed)
    seconds = side_by_side(
        {
            "streamed": _steps(objective, streamed, steps_per_round),
            "held ready": _steps(objective, constant, steps_per_round),
            "images alone": lambda: [next(iterator) for _ in range(steps_per_round)],
        },
        rounds,
    )
    for name, value in seconds.items():
        print(f"pipeline, {name:<16} {1000 * value / steps_per_round:9.1f} ms a step")
    print(f"waiting for images: {max(0.0, 1 - seconds['held ready'] / seconds['streamed']):.1%} of a step")


def latency(config, rounds):
    """Answering one image: the folded SavedModel against the same network of stock Keras layers, saved alike."""
    raise NotImplementedError


def _stream(config):
    find = Finder("", True, config.size, config.load, drawn_images=20)
    return Stream(find("facades").train, *config.size, batch_size=config.batch_size)


def _steps(objective, dataset, steps):
    objective.compile(steps_per_execution=steps)
    run, iterator = objective.make_train_function(), iter(dataset)
    return lambda: float(next(iter(run(iterator).values())))


BENCHMARKS = {"training": training, "pipeline": pipeline, "latency": latency}
