"""Benchmarks of learned tasks in use: exported networks, and runs of many tasks."""

import dataclasses
import glob
import os
import subprocess
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.assembly import accounting, build
from pgtf.assembly.accounting import summary
from pgtf.assembly.bank import NetworkBank, slice_of
from pgtf.assembly.parameters import full_values
from pgtf.experiments.speed.timing import by_turns, compared
from pgtf.experiments.speed.untrained import banked
from pgtf.methods import Piggyback
from pgtf.runs.listing import rows
from pgtf.runs.pack import load
from pgtf.serving.combined import write_combined
from pgtf.serving.direction import Direction
from pgtf.serving.saved_model import write_saved_model
from pgtf.storage import run_paths
from pgtf.storage.facts import Facts


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
    bank, shape = NetworkBank(folder=os.path.join(folder, run_paths.TASKS)), plan.architecture
    facts = Facts(shape, plan.method, plan.objective, full_values=full_values(shape, ("forward",)))
    for index in range(count):
        lenders = bank.only(plan.method.borrows(bank.names))
        if index < 2:
            networks = build.generators(shape, plan.method, ("forward",), lenders, seed=index)
            made = slice_of("task0", networks, lenders, facts)
        bank.append(dataclasses.replace(made, name=f"task{index}"))
        if index > 1:
            path = os.path.join(bank.place(index, f"task{index}"), run_paths.TENSORS)
            os.unlink(path)
            os.link(os.path.join(bank.place(1, "task1"), run_paths.TENSORS), path)
    return folder


class _Stock(layers.LayerFactory):
    """A factory of Keras's own convolutions."""

    conv2d, conv2d_transpose = keras.layers.Conv2D, keras.layers.Conv2DTranspose

    def kernel(self, name, **site):
        return {}
