"""Benchmarks of inference: switching tasks, repeated calls, folders, memory, and the network in other programs.

Times are CPU seconds of the process, which depend little on other programs of the machine. Sides take turns.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank, slice_of
from pgtf.assembly.parameters import full_values
from pgtf.assembly.swapping import SwappedNetworks
from pgtf.data.rgb_images import to_float
from pgtf.experiments.speed.peers import sides as sides_of_peers
from pgtf.experiments.speed.timing import compared, cpu_times
from pgtf.methods import Full, Layered, LowRank, Method, Piggyback
from pgtf.runs.run import Run
from pgtf.runs.translate import Translator
from pgtf.runs.translate_files import translate_files
from pgtf.storage import run_paths
from pgtf.storage.facts import Facts

# {kind: (method, precision of its slices)}
KINDS: dict[str, tuple[Method, str]] = {
    "outer": (Layered("outer3:free:int8,inner:frozen"), "float32"),
    "low_rank": (LowRank(rank=16), "int8"),
    "mixing": (Piggyback(borrow_from="first"), "float32"),
    "full": (Full(), "float32"),
}
PHOTOS = 16  # Of the folder.


def swap(plan, rounds, kind):
    """Compares a call after a switch of tasks with a call of the same task, and with a network built for one task."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(run_of(plan, 3, folder, kind))
        picture = noise(plan)
        first, second, third = run
        waiting = [second, third]

        def other():
            waiting.reverse()
            return waiting[0](picture)

        def composed():
            """Calls the task while only the first task's kernels are in memory."""
            waiting.reverse()
            cache, bank = run.compiled.cache, waiting[0].slice.sha256
            for key in filter(lambda key: bank in _flat(key), list(cache)):
                cache.drop(key)
            return waiting[0](picture)

        def built():
            return Translator(layers.folded(second.rebuilt()["forward"]), plan.architecture.multiple)(picture)

        first(picture)
        sides = {"same": lambda: waiting[0](picture), "again": other, "new": composed, "built": built}
        return compared(cpu_times(sides, rounds), "same")


def steady(plan, rounds, peers):
    """Compares a network at batch 1 and 8, in float32, in bfloat16, as plain Keras layers, and in other programs."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        (task,) = Run(run_of(plan, 1, folder, "full"))
        exact = task.network()
        sixteen = dataclasses.replace(task, compiled=SwappedNetworks(dtype="bfloat16")).network()
        plain = layers.folded(task.rebuilt()["forward"])
        before = Translator(plain, plan.architecture.multiple)._apply
        others = sides_of_peers(plain, plan.architecture, peers)
        for batch in (1, 8):
            given = to_float(np.stack([noise(plan, seed) for seed in range(batch)]))
            asked = {"float32": exact, "bfloat16": sixteen, **({"before": before} if batch == 1 else {}), **others}
            sides = {name: lambda ask=ask, given=given: np.asarray(ask(given)) for name, ask in asked.items()}
            found[str(batch)] = compared(cpu_times(sides, rounds), "float32")
    return found


def photos(plan, rounds):
    """Compares translating a folder of JPEG files with calling the network alone."""
    with tempfile.TemporaryDirectory() as folder:
        (task,) = Run(run_of(plan, 1, os.path.join(folder, "run"), "full"))
        translator, inputs = task.translator(), os.path.join(folder, "in")
        os.makedirs(inputs)
        targets = {}
        for number in range(PHOTOS):
            path = os.path.join(inputs, f"{number}.jpg")
            Image.fromarray(noise(plan, number)).resize(plan.data.size[::-1]).save(path)
            targets[path] = os.path.join(folder, f"{number}.png")
        network, one = task.network(), to_float(noise(plan))[None]
        with open(os.devnull, "w") as nowhere:
            sides = {
                "folder": lambda: translate_files(translator, targets, out=nowhere),
                "alone": lambda: [network(one).numpy() for _ in range(PHOTOS)],
            }
            return {**compared(cpu_times(sides, rounds), "alone"), "images": PHOTOS}


def opened(plan, rounds, tasks):
    """Measures the memory of a process in which `tasks` tasks are called one after another, and their slices' bytes."""
    del rounds
    with tempfile.TemporaryDirectory() as folder:
        run = run_of(plan, tasks, folder, "outer")
        stored = sum(task.slice.stored_bytes for task in Run(run))
        first = Run(run).at(0).slice.stored_bytes
        return {"mib": _memory(run, plan.data.size), "slices_mib": (stored - first) / 2**20}


def _memory(run: str, size: Sequence[int]) -> list[float]:
    """Returns the resident MiB of a new process: after TensorFlow's import, and after the first call of each task."""
    code = """if True:
        import sys, numpy, tensorflow, pgtf
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096 / 2**20
        found, run = [resident()], pgtf.load(sys.argv[1])
        picture = numpy.zeros([*map(int, sys.argv[2:]), 3], "uint8")
        for name in run.names:
            run[name](picture)
            found.append(resident())
        print(*found)
    """
    command = [sys.executable, "-c", code, run, *map(str, size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [float(text) for text in done.stdout.split()]


def start(plan, rounds):
    """Compares the first call of a new process with TensorFlow's import alone, in CPU seconds.

    The side "opened" imports pgtf and opens the run, without a call.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = run_of(plan, 2, os.path.join(folder, "run"), "outer")
        picture = os.path.join(folder, "in.png")
        Image.fromarray(noise(plan)).save(picture)
        asked = [sys.executable, "-m", "pgtf", "translate", run, "task1", picture]
        opened = "import sys, pgtf; pgtf.load(sys.argv[1])['task1'].translator()"
        sides = {
            "import": lambda: _cpu_seconds([sys.executable, "-c", "import tensorflow"]),
            "opened": lambda: _cpu_seconds([sys.executable, "-c", opened, run]),
            "answer": lambda: _cpu_seconds([*asked, "-o", os.path.join(folder, "out.png"), "--overwrite"]),
        }
        sides["answer"]()  # Writes Python's bytecode, as an installation does.
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                times[name].append(side())
        return compared(times, "import")


def _cpu_seconds(command: Sequence[str]) -> float:
    """Returns the CPU seconds of a process."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def run_of(plan: Any, count: int, folder: str, kind: str) -> str:
    """Builds a run of untrained tasks, no two of which have the same values. Returns its folder."""
    method, precision = KINDS[kind]
    shape, bank = plan.architecture, NetworkBank(folder=os.path.join(folder, run_paths.TASKS))
    training = {} if precision == "float32" else {"slice_precision": precision}
    whole = full_values(shape, ("forward",))
    facts = Facts(shape, method, plan.objective, full_values=whole, training=training)
    networks: dict[str, Any] = {}
    for index in range(count):
        lenders = bank.only(method.borrows(bank.names))
        if index < 2:
            networks = build.generators(shape, method, ("forward",), lenders, seed=index)
            method.initialize(networks, bank)
        own = facts if index else dataclasses.replace(facts, training={})
        made = {path: value * np.float32(1 + index / 1000) for path, value in layers.state(networks["forward"]).items()}
        layers.restore(networks["forward"], made)
        bank.append(slice_of(f"task{index}", networks, lenders, own))
    return folder


def noise(plan: Any, seed: int = 0) -> np.ndarray:
    """Returns an image of the training size."""
    return np.random.default_rng(seed).integers(0, 256, (*plan.data.size, 3), "uint8")


def _flat(key: Any) -> set:
    """Returns all parts of a nested key."""
    return set().union(*map(_flat, key)) if isinstance(key, tuple) else {key}
