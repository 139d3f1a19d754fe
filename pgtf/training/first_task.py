"""Copies the first task from another run or from a file of weights, instead of learning it.

The first task has full kernels with every method, so methods can be compared on the same first task.
"""

import dataclasses
import datetime
import os
from typing import Optional

import numpy as np

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank, rebuild, slice_of
from pgtf.assembly.folded_norms import measure_folded_norms
from pgtf.assembly.parameters import full_values
from pgtf.assembly.planned_data import data_of
from pgtf.assembly.pretrained_weights import check_input_values, matched, outputs_in, read_weights
from pgtf.assembly.record_probes import record_probes
from pgtf.config import TaskPlan
from pgtf.data.drawn import draw_labelled
from pgtf.data.rgb_images import resized, to_float
from pgtf.evaluation.collection import choice
from pgtf.foundation import files
from pgtf.runs.run import Run
from pgtf.storage import run_paths
from pgtf.storage.facts import Facts
from pgtf.storage.probes import Probes

MEASURED = 64  # Images that folded norms are measured on.


def take_base(plan: TaskPlan, bank: NetworkBank, following: Optional[TaskPlan] = None) -> None:
    """Appends the first task of --first_task_from to a bank that has none yet, as learned by this run's method.

    Args:
      plan: The settings of the run's first task.
      following: The settings of the second task. Folded norms are measured on its images. Default: drawn images.
      bank: The run's bank, on disk. It is unchanged if it holds a task or if no base is named.
    """
    base = plan.run.first_task_from
    if len(bank) or not base:
        return
    if os.path.isfile(base):
        take_weights(plan, bank, base, following)
        return
    task = Run(base).at(0)
    task.probes  # noqa: B018  (reads, and so checks)
    facts = dataclasses.replace(task.facts, method=plan.method)
    shape = plan.architecture
    shape = shape.with_channels(facts.architecture.inputs, facts.architecture.outputs)  # They follow from its data.
    asked = (plan.name, tuple(plan.objective.networks))
    found = (task.name, facts.generators)
    if asked != found or not shape.is_same(facts.architecture):
        raise ValueError(
            f"The first task of --first_task_from must be this run's: {asked} of {shape}. "
            f"Received: {found} of {facts.architecture} in {base}"
        )
    taken = dataclasses.replace(task.slice, facts=facts)
    rebuild(taken, NetworkBank())  # Refuses a method whose first task stores other arrays.
    with open(os.path.join(task.folder, run_paths.PROBES), "rb") as file:
        files.write(os.path.join(bank.place(0, task.name), run_paths.PROBES), file.read(), read_only=True)
    auxiliary = os.path.join(task.folder, run_paths.AUXILIARY)
    if os.path.exists(auxiliary):
        with open(auxiliary, "rb") as file:
            files.write(os.path.join(bank.place(0, task.name), run_paths.AUXILIARY), file.read())
    bank.append(taken)


def take_weights(plan: TaskPlan, bank: NetworkBank, path: str, following: Optional[TaskPlan] = None) -> None:
    """Appends the weights of a file to an empty bank: a backbone, which has no images and is not measured.

    Args:
      plan: The settings of the run's first task.
      bank: The run's bank, on disk.
      path: The file; see `assembly.pretrained_weights`.
      following: As in `take_base`.
    """
    if not plan.objective.own_outputs:
        raise ValueError(
            f"A file as --first_task_from needs --objective=classification. Received: {path!r}, {plan.objective}"
        )
    names = plan.architecture.row.published_names
    labels = tuple(map(str, range(outputs_in(path, names))))
    # Only objectives of classes have outputs of their own.
    plan = dataclasses.replace(plan, objective=dataclasses.replace(plan.objective, labels=labels))  # type: ignore[call-arg]
    shape, prefixes, weights = plan.architecture, plan.objective.networks, read_weights(path)
    check_input_values(weights, plan.networks.row_settings["input_values"], path)
    values: dict[str, np.ndarray] = {}
    for network in build.free_generators(shape, prefixes, seed=plan.seed).values():
        layers.restore(network, matched(layers.state(network), weights, names, path))
        measure_folded_norms(network, _images(plan, following))
        values.update(layers.state(network))
    networks = build.generators(shape, plan.method, prefixes, seed=plan.seed)
    plan.method.take(networks, values)
    facts = Facts(
        shape,
        plan.method,
        plan.objective,
        full_values=full_values(shape, prefixes),
        seed=plan.run.seed,
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )
    images = _drawn(shape.size, plan.training.probes)
    probes = Probes({"forward": np.stack(images)}, {"forward": np.zeros(len(images), "int32")})
    task_slice = slice_of(plan.name, networks, bank.only(()), facts)
    bank.append(record_probes(task_slice, bank.only(()), probes, bank.place(0, plan.name)))


def _images(plan: TaskPlan, following: Optional[TaskPlan]) -> list[np.ndarray]:
    """Returns images for measuring norms: the first training images of the second task, or drawn ones."""
    size = plan.architecture.size
    if following is None:
        return [to_float(image) for image in _drawn(size, MEASURED)]
    train = data_of(following).train[0]
    places = choice(len(train), MEASURED)
    return [to_float(resized(train[place][0], *size)) for place in places]


def _drawn(size: tuple[int, int], count: int) -> list[np.ndarray]:
    return [resized(draw_labelled("shapes", index, max(size)), *size) for index in range(count)]
