"""Plan of a run: the stored size of each task before training."""

from collections.abc import Sequence

from pgtf.assembly import accounting
from pgtf.config import TaskPlan
from pgtf.runs.listing import row_lines, rows


def planned(plans: Sequence[TaskPlan]) -> list[accounting.Cost]:
    """Plans what each task of a run stores."""
    first = plans[0]
    precisions = {plan.name: plan.training.slice_precision for plan in plans}
    return accounting.plan(first.run.tasks, first.architecture, first.method, first.objective.networks, precisions)


def size_warning(plans: Sequence[TaskPlan]) -> str:
    """Names the later tasks of a run that will store no less than a full network; empty if there are none."""
    first = plans[0]
    return accounting.warning(first.run.tasks, first.architecture, first.method, first.objective.networks)


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
    return "\n".join([*lines, accounting.report(coming, "\n".join(notes))])
