"""Replays of all tasks so far, which prove that none has changed."""

import dataclasses
from typing import Any, Callable

from pgtf.assembly.bank import NetworkBank
from pgtf.foundation.logger import LOG
from pgtf.runs.run import Run, Task
from pgtf.training.callbacks import append_line


def check_probes(run_dir: str, bank: NetworkBank) -> None:
    """Raises an error before further training if a replay could not prove that no task has changed."""
    for task in Run(run_dir) if len(bank) else ():
        if task.has_probes:
            task.probes  # noqa: B018  (reads, and so checks)
        else:
            LOG.info(f"{task.name}: its probes are missing, so it is no longer replayed or sampled")


def replayed(
    open_task: Callable[[int, int], Task], index: int, after: str, log: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Replays the tasks that have probes.

    Args:
      open_task: (index, latest) -> a task from disk, as it answers after the latest one.
      index: Index of the new task.
      after: Its name.
      log: File that gets a line of JSON for each replay.

    Returns:
      ({task: its replay as plain data}, the tasks that have changed).
    """
    record, changed = {}, []
    for number in range(index + 1):
        task = open_task(number, index)
        if not task.has_probes:
            continue
        result = task.replay()
        LOG.info(f"after {after}: {task.name} replays {result}")
        record[task.name] = dataclasses.asdict(result)
        append_line(log, {"after": after, "replayed": task.name, **record[task.name]})
        kept = task.facts.method.network_for(number, index) == number
        changed += [task.name] if kept and not result.holds else []
    return record, tuple(changed)
