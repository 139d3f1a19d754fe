"""Copying the first task from another run, the base, instead of learning it.

The first task has full kernels with every method, so methods can be compared on the same first task.
"""

import dataclasses
import os

from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank
from pgtf.config import TaskPlan
from pgtf.foundation import files
from pgtf.runs.run import Run
from pgtf.storage import layout


def take_base(plan: TaskPlan, bank: NetworkBank) -> None:
    """Appends the first task of --first_task_from to a bank that has none yet, as learned by this run's method.

    Args:
      plan: The settings of the run's first task.
      bank: The run's bank, on disk. It is unchanged if it holds a task or if no base is named.
    """
    base = plan.run.first_task_from
    if len(bank) or not base:
        return
    task = Run(base).at(0)
    task.probes  # noqa: B018  (reads, and so checks)
    facts = dataclasses.replace(task.facts, method=plan.method)
    shape = plan.architecture
    if plan.objective.own_outputs:  # Their number follows from the task's data.
        shape = dataclasses.replace(shape, outputs=facts.architecture.outputs)
    asked = (plan.name, shape, tuple(plan.objective.networks))
    found = (task.name, facts.architecture, facts.generators)
    if asked != found:
        raise ValueError(
            f"The first task of --first_task_from must be this run's: {asked}. Received: {found} in {base}"
        )
    taken = dataclasses.replace(task.slice, facts=facts)
    build.rebuilt(taken, NetworkBank())  # Refuses a method whose first task stores other arrays.
    with open(os.path.join(task.folder, layout.PROBES), "rb") as file:
        files.write(os.path.join(bank.place(0, task.name), layout.PROBES), file.read(), read_only=True)
    bank.append(taken)
