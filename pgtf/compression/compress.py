"""Adding a compressed copy of a learned task to a run."""

import dataclasses
import datetime
import json
import os
from collections.abc import Sequence

import numpy as np

from pgtf.assembly.bank import rebuild, slice_of
from pgtf.assembly.recorded_data import recorded_data
from pgtf.compression.choice import LayerChoice, built, choose, fixed_bytes, method_of, outputs, repair
from pgtf.config import flagfile, load_config
from pgtf.data.reading import png, to_input
from pgtf.data.sources import Source, examples
from pgtf.foundation import files, task_names
from pgtf.runs.changing import changing, sample_path
from pgtf.runs.run import Run
from pgtf.storage import layout
from pgtf.storage.facts import Facts
from pgtf.storage.ledger import Ledger
from pgtf.storage.task_slice import TaskSlice
from pgtf.training.one_task import proven


@dataclasses.dataclass(frozen=True)
class Compression:
    """Settings of a compression.

    Args:
      budget: The most bytes of the compressed task; or, if at most 1, their fraction of a full network's.
      images: Number of images on which changes of the outputs are measured.
      repair: Number of steps of repair by distillation. Default: none.
      repair_images: Number of training images to repair on.
      learning_rate: Learning rate of the repair.
      data_dir: Folder of the data, if it has moved since training.
    """

    budget: float
    images: int = 32
    repair: int = 0
    repair_images: int = 256
    learning_rate: float = 1e-3
    data_dir: str = ""

    def bytes_of(self, full_values: int) -> int:
        """Returns the budget in bytes."""
        return int(self.budget * 4 * full_values if self.budget <= 1 else self.budget)


@dataclasses.dataclass(frozen=True)
class Compressed:
    """A compressed task.

    Args:
      slice: What it stores.
      choices: The kind of each layer.
      change: {prefix: mean absolute change of the outputs}, on the images on which the kinds were chosen.
    """

    slice: TaskSlice
    choices: Sequence[LayerChoice]
    change: dict[str, float]


def compress(run_dir: str, name: str, new_name: str, settings: Compression) -> Compressed:
    """Adds a compressed copy of a task to the end of its run. The task itself is left as it is.

    Args:
      run_dir: The run.
      name: The task.
      new_name: Name of the copy.
      settings: Settings of the compression.
    """
    with changing(run_dir) as found:
        run, config, ledger = Run(run_dir), load_config(run_dir), Ledger.read(run_dir).checked(found)
        if new_name in run.names or not task_names.is_name(new_name):
            raise ValueError(f"--as must be a new task's name: {task_names.RULE}. Received: {new_name!r}")
        made = _compressed(run, name, new_name, settings)
        probes, lenders = run[name].probes, run.bank.only(run.names[:1])
        folder = run.bank.place(len(run), new_name)
        run.bank.append(proven(made.slice, lenders, dataclasses.replace(probes, outputs={}), folder))
        replay = {new_name: dataclasses.asdict(run.at(len(run) - 1).replay())}
        files.write(os.path.join(folder, layout.REPLAYS), json.dumps(replay, indent=1).encode())
        files.write(sample_path(run_dir, new_name), png(made.slice.facts.objective.example(probes)))
        ledger.checked(run.bank).write(run_dir)
        if config:
            flagfile.save(config.having_learned(run.bank.names))
    return made


def _compressed(run: Run, name: str, new_name: str, settings: Compression) -> Compressed:
    """Chooses the layers' kinds, builds the networks and repairs them. Writes nothing."""
    task, first = run[name], run.bank.slice(0)
    facts = task.facts
    if name == first.name or not facts.architecture.is_same(first.facts.architecture):
        raise ValueError(
            f"Only a later task whose network has the shape of the first task's, {first.name!r}, can be compressed. "
            f"Received: {name!r}"
        )
    bank, networks = run.bank.only([first.name]), task.networks
    data = recorded_data(name, facts, settings.data_dir)
    held_out = data.shown if data.choosing_split == "validation" else data.train
    inputs = _inputs(facts, held_out, settings.images)
    fixed, budget = fixed_bytes(facts.architecture, facts.generators), settings.bytes_of(facts.full_values)
    if budget < fixed:
        raise ValueError(
            f"--to must be at least what heads, norms and biases take, {fixed:,} bytes. Received: {budget:,} bytes"
        )
    choices = choose(networks, bank, inputs, budget - fixed, final=not settings.repair)
    method = method_of(choices)
    made = built(facts.architecture, method, networks, task.slice.values, bank)
    if settings.repair:
        learned_from = _inputs(facts, data.train, settings.repair_images)
        wanted = {prefix: outputs(network, learned_from[prefix]) for prefix, network in networks.items()}
        repair(made, wanted, learned_from, steps=settings.repair, learning_rate=settings.learning_rate, seed=facts.seed)
    facts = dataclasses.replace(
        facts,
        method=method,
        shares=None,
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        learnt_as=facts.learnt_as or name,
        training={**facts.training, "slice_precision": "float32"},
    )
    task_slice = slice_of(new_name, made, bank, facts)
    final = rebuild(task_slice, bank)
    change = {
        prefix: float(np.mean(np.abs(outputs(final[prefix], images) - outputs(networks[prefix], images))))
        for prefix, images in inputs.items()
    }
    return Compressed(task_slice, choices, change)


def _inputs(facts: Facts, sources: Sequence[Source], count: int) -> dict[str, np.ndarray]:
    """Returns {prefix: float inputs} of the first images."""
    shown = map(np.stack, examples(sources, count))
    inputs, _ = facts.objective.probes(*shown, shape=facts.architecture.input)
    return {prefix: to_input(array) for prefix, array in inputs.items()}
