"""Plan of a run: the stored size of each task before training."""

import os
from collections.abc import Sequence

from pgtf.assembly import accounting, plan_tables
from pgtf.config import TaskPlan
from pgtf.runs.listing import row_lines, rows
from pgtf.storage import layout
from pgtf.storage.bank import FilterBank


def planned(plans: Sequence[TaskPlan]) -> list[accounting.Cost]:
    """Plans what each task of a run stores."""
    first, networks = plans[0], plans[0].objective.networks
    precisions = {plan.name: plan.training.slice_precision for plan in plans}
    return accounting.plan(
        first.run.tasks, first.architecture, first.method, networks, precisions, outputs_of_tasks(plans)
    )


def size_warning(plans: Sequence[TaskPlan]) -> str:
    """Names the later tasks of a run that will store no less than a full network; empty if there are none."""
    first, networks = plans[0], plans[0].objective.networks
    return plan_tables.warning(first.run.tasks, first.architecture, first.method, networks, outputs_of_tasks(plans))


def outputs_of_tasks(plans: Sequence[TaskPlan]) -> dict[str, int]:
    """Returns {task: number of outputs}, read from slices or from data, where each task has outputs of its own."""
    if not plans[0].objective.own_outputs:
        return {}
    from pgtf.assembly import build  # Imports TensorFlow.
    from pgtf.assembly.given_weights import outputs_in
    from pgtf.runs.run import Run

    bank = FilterBank.open(os.path.join(plans[0].run.run_dir, layout.TASKS))
    stored = {name: bank[name].facts.architecture.outputs for name in bank.names}
    given = plans[0].run.first_task_from
    if not stored and os.path.isfile(given):
        stored[plans[0].name] = outputs_in(given, plans[0].architecture.row.published_names)
    elif not stored and given:
        stored[plans[0].name] = Run(given).at(0).facts.architecture.outputs
    coming = [build.with_data(plan, build.data_of(plan)) for plan in plans if plan.name not in stored]
    return {**stored, **{plan.name: plan.architecture.outputs for plan in coming}}


def check_plan(plans: Sequence[TaskPlan]) -> None:
    """Raises ValueError if a first or a second task can't be learned with these settings."""
    first = plans[0]
    names = first.run.tasks if len(plans) > 1 else ("first", "second")
    accounting.plan(names, first.architecture, first.method, first.objective.networks)


def plan_text(plans: Sequence[TaskPlan], learned: Sequence[str]) -> str:
    """Formats the plan of a run as text.

    Args:
      plans: The plans of all tasks of the run.
      learned: The names of its learned tasks. They are listed as they are stored.

    Returns:
      Lines of text.
    """
    run_dir = plans[0].run.run_dir
    lines = [f"{run_dir} has learned:", *row_lines(rows(run_dir)), ""] if learned else []
    coming = [cost for cost in planned(plans) if cost.task not in learned]
    if not coming:
        return "\n".join([*lines, "No task is left to learn."])
    large = size_warning(plans)
    notes = filter(None, [plans[0].method.plan_note, large and f"warning: {large}"])
    return "\n".join([*lines, plan_tables.report(coming, "\n".join(notes))])
