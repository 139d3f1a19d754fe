"""Compression of one learned task: from its slice to one within a budget of bytes. Writes nothing."""

import dataclasses
import datetime
from collections.abc import Sequence

import keras
import numpy as np

from pgtf.assembly.bank import NetworkBank, rebuild, slice_of
from pgtf.assembly.recorded_data import recorded_data
from pgtf.compression.budget import planned_costs
from pgtf.compression.choice import LayerChoice, built, choose, method_of, outputs
from pgtf.compression.repair import repair
from pgtf.data.rgb_images import to_input
from pgtf.data.sources import Source, examples
from pgtf.foundation.settings import name_in, settings_of
from pgtf.methods import METHODS, Method
from pgtf.storage.facts import COMPRESS_TO, COMPRESSED_FROM, Facts
from pgtf.storage.task_slice import TaskSlice


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

    def __str__(self) -> str:
        return f"{100 * self.budget:g}%" if self.budget <= 1 else f"{int(self.budget):,} bytes"


@dataclasses.dataclass(frozen=True)
class Compressed:
    """The result of compressing a task.

    Args:
      slice: The slice of the compressed task.
      choices: The kind of each layer.
      change: {prefix: mean absolute change of the outputs}, on the images on which the kinds were chosen.
    """

    slice: TaskSlice
    choices: Sequence[LayerChoice]
    change: dict[str, float]

    def __str__(self) -> str:
        size, share = self.slice.stored_bytes, self.slice.stored_bytes / (4 * self.slice.facts.full_values)
        changes = ", ".join(f"{prefix} {change:.4f}" for prefix, change in self.change.items())
        return f"{size:,} bytes, {share:.2%} of a full network. Mean absolute change of outputs in [-1, 1]: {changes}"


def compressed_task(
    name: str,
    learned: TaskSlice,
    networks: dict[str, keras.Model],
    first: NetworkBank,
    settings: Compression,
) -> Compressed:
    """Chooses the layers' kinds, builds the networks and repairs them.

    Args:
      name: Name of the compressed task.
      learned: The slice of the task, which may be in no run yet.
      networks: {prefix: network}, built from that slice.
      first: The bank of the run's first task alone.
      settings: Settings of the compression.
    """
    facts = learned.facts
    data = recorded_data(learned.name, facts, settings.data_dir)
    held_out = data.shown if data.choosing_split == "validation" else data.train
    inputs = _inputs(facts, held_out, settings.images)
    channels = {one.name: _channels(one.facts) for one in (first.slice(0), learned)}
    *_, kernels = planned_costs(
        first.names[0], learned.name, facts.architecture, facts.generators, settings.budget, channels
    )
    choices = choose(networks, first, inputs, kernels.bits // 8, final=not settings.repair)
    method = method_of(choices)
    made = built(facts.architecture, method, networks, learned.values, first)
    if settings.repair:
        learned_from = _inputs(facts, data.train, settings.repair_images)
        wanted = {prefix: outputs(network, learned_from[prefix]) for prefix, network in networks.items()}
        repair(made, wanted, learned_from, steps=settings.repair, learning_rate=settings.learning_rate, seed=facts.seed)
    task_slice = slice_of(name, made, first, _facts(facts, learned.name, name, method, settings))
    final = rebuild(task_slice, first)
    change = {
        prefix: float(np.mean(np.abs(outputs(final[prefix], images) - outputs(networks[prefix], images))))
        for prefix, images in inputs.items()
    }
    return Compressed(task_slice, choices, change)


def _facts(facts: Facts, was: str, name: str, method: Method, settings: Compression) -> Facts:
    """Returns the facts of a compressed task. was: The name of the task that it is made of."""
    training = {
        **facts.training,
        "slice_precision": "float32",
        COMPRESS_TO: str(settings),
        COMPRESSED_FROM: _in_words(facts.method),
    }
    return dataclasses.replace(
        facts,
        method=method,
        shares=None,
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        learnt_as=facts.learnt_as or (was if was != name else ""),
        training=training,
    )


def _channels(facts: Facts) -> tuple[int, int]:
    return facts.architecture.inputs, facts.architecture.outputs


def _in_words(method: Method) -> str:
    """Returns a method's name and its settings that are not the defaults."""
    values = ((field, getattr(method, field.name)) for field in settings_of(method))
    return ", ".join(
        [name_in(METHODS, method), *(f"{field.name} {value}" for field, value in values if value != field.default)]
    )


def _inputs(facts: Facts, sources: Sequence[Source], count: int) -> dict[str, np.ndarray]:
    """Returns {prefix: float inputs} of the first images."""
    shown = map(np.stack, examples(sources, count))
    inputs, _ = facts.objective.probes(*shown, shape=facts.architecture.input)
    return {prefix: to_input(array) for prefix, array in inputs.items()}
