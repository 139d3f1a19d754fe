"""Plan of a run: the stored size of each task before training."""

import os
from collections.abc import Mapping, Sequence

from pgtf.assembly import accounting, plan_tables
from pgtf.assembly.planned_data import data_of, with_data
from pgtf.assembly.pretrained_weights import outputs_in
from pgtf.compression.budget import planned_costs
from pgtf.config import TaskPlan
from pgtf.data import drawn
from pgtf.networks import Architecture
from pgtf.runs.listing import row_lines, rows
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank, none_learned


def planned(plans: Sequence[TaskPlan]) -> list[accounting.Cost]:
    """Plans the values that each task of a run stores."""
    first, networks = plans[0], plans[0].objective.networks
    precisions = {plan.name: plan.training.slice_precision for plan in plans}
    channels = channels_of_tasks(plans)
    found = accounting.plan(first.run.tasks, first.architecture, first.method, networks, precisions, channels)
    compressed = {
        plan.name: planned_costs(first.name, plan.name, first.architecture, networks, plan.training.budget, channels)
        for plan in _compressed(plans)
    }
    as_learned = {plan.name: [cost for cost in found if cost.task == plan.name] for plan in plans}
    return [cost for costs in {**as_learned, **compressed}.values() for cost in costs]


def _compressed(plans: Sequence[TaskPlan]) -> list[TaskPlan]:
    """Lists the plans of the tasks that are compressed after learning."""
    return [plan for plan in plans[1:] if plan.training.budget]


def size_warning(plans: Sequence[TaskPlan]) -> str:
    """Names the later tasks of a run that will store no less than a full network; empty if there are none."""
    first, networks = plans[0], plans[0].objective.networks
    if len(_compressed(plans)) == len(plans) - 1:
        return ""
    return plan_tables.warning(first.run.tasks, first.architecture, first.method, networks, channels_of_tasks(plans))


def channels_of_tasks(plans: Sequence[TaskPlan]) -> dict[str, tuple[int, int]]:
    """Returns {task: (inputs, outputs)}, read from slices or from data. Tasks whose data are not there yet are RGB.

    Raises ValueError if the method needs the first task's channels and a task has others.
    """
    bank = _bank(plans[0].run.run_dir)
    found = {name: _channels(bank[name].facts.architecture) for name in bank.names}
    if plans[0].objective.own_outputs:
        found = {**_given(plans, found), **found}
    for plan in plans:
        if plan.name not in found and plan.objective.serves == "images":
            found[plan.name] = _of_images(plan)
        elif plan.name not in found and plan.objective.own_outputs:
            found[plan.name] = _channels(with_data(plan, data_of(plan)).architecture)
    first = found.get(plans[0].name)
    for plan in plans:
        inputs, outputs = found.get(plan.name, (3, 3))
        if getattr(plan.method, "share_bank", False) and inputs != outputs:
            raise ValueError(
                "--share_bank needs as many channels in A as in B, because each generator mixes the filters of both. "
                f"Received: {plan.name} with {inputs} and {outputs}"
            )
        if plan.method.fixed_channels and not plan.objective.own_outputs and found.get(plan.name, first) != first:
            raise ValueError(
                "With this method all tasks need images with the first task's channels. Choose another --method. "
                f"Received: {plan.name} with {found[plan.name]}, where {plans[0].name} has {first} (inputs, outputs)"
            )
    return found


def _bank(run_dir: str) -> FilterBank:
    return FilterBank.open(os.path.join(run_dir, run_paths.TASKS))


def _channels(shape: Architecture) -> tuple[int, int]:
    return shape.inputs, shape.outputs


def _given(plans: Sequence[TaskPlan], stored: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Returns the channels of a first task that is taken from a file or from another run, and not stored yet."""
    source, name = plans[0].run.first_task_from, plans[0].name
    if stored or not source:
        return {}
    if os.path.isfile(source):
        return {name: (3, outputs_in(source, plans[0].architecture.row.published_names))}
    bank = _bank(source)
    if not len(bank):
        raise none_learned(source)
    return {name: _channels(bank.slice(0).facts.architecture)}


def _of_images(plan: TaskPlan) -> tuple[int, int]:
    """Returns the channels of a task's images; RGB if they cannot be found."""
    if not plan.data.data_dir:
        inputs, targets = drawn.pixels_of(plan.name)[:: -1 if plan.flipped else 1]
        return inputs.channels, targets.channels
    try:
        return data_of(plan).channels
    except (OSError, ValueError):  # Training names the reason; a plan needs no images.
        return plan.channels


def check_plan(plans: Sequence[TaskPlan]) -> None:
    """Raises ValueError if a first or a second task can't be learned with these settings."""
    first = plans[0]
    names = first.run.tasks if len(plans) > 1 else ("first", "second")
    accounting.plan(names, first.architecture, first.method, first.objective.networks)


def plan_text(plans: Sequence[TaskPlan], learned: Sequence[str]) -> str:
    """Formats the plan of a run as text.

    Args:
      plans: The plans of all tasks of the run.
      learned: The names of its learned tasks. They are listed with their stored sizes.

    Returns:
      Lines of text.
    """
    run_dir = plans[0].run.run_dir
    lines = [f"{run_dir} has learned:", *row_lines(rows(run_dir)), ""] if learned else []
    coming = [cost for cost in planned(plans) if cost.task not in learned]
    if not coming:
        return "\n".join([*lines, "No task is left to learn."])
    large = size_warning(plans)
    small = ", ".join(f"{plan.name} to {plan.training.compress_to}" for plan in _compressed(plans))
    compressed = small and f"Compressed after learning: {small}. Kernels are chosen then: bytes without values."
    notes = filter(None, [plans[0].method.plan_note, compressed, large and f"warning: {large}"])
    return "\n".join([*lines, plan_tables.report(coming, "\n".join(notes))])
