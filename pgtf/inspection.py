"""What a run directory holds, and whether it is what it was."""

import dataclasses
import os
from typing import Optional

from pgtf.bank import BankError, FilterBank, TaskSlice, slice_folders
from pgtf.evaluation.parameters import plan, summary
from pgtf.evaluation.replay import TOLERANCE, Replay
from pgtf.methods import METHODS
from pgtf.run import Run, Task, none_learnt

VERDICT = "{:<24}{:<18}{}"
VERDICT_HEAD = VERDICT.format("task", "slice (sha256)", "outputs")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Of one stored task: whether its slice is what was written, and whether its outputs are what they were."""

    task: str  # its folder's name
    slice_is_whole: bool
    replay: Optional[Replay] = None
    problem: str = ""

    @property
    def holds(self):
        return self.slice_is_whole and self.replay is not None and self.replay.holds

    def __str__(self):
        whole = "as written" if self.slice_is_whole else "ALTERED"
        return VERDICT.format(self.task, whole, str(self.replay or "not replayed"))


def verdicts(run_dir):
    """A Verdict for each task, one after the other; a broken slice doesn't keep the others from being checked."""
    found, slices, broken = slice_folders(os.path.join(run_dir, "tasks")), [], []
    if not found:
        raise none_learnt(run_dir)
    for folder in found:
        task = os.path.basename(folder)
        try:
            task_slice = TaskSlice.read(folder)
        except BankError as error:
            broken.append(task)
            yield Verdict(task, False, problem=str(error))
            continue
        if broken and METHODS[task_slice.facts["method"]].borrows:
            yield Verdict(task, True, problem=f"Its filters are mixed from {', '.join(broken)}, which is not whole")
        else:
            yield _replayed(Task(task_slice, FilterBank(slices), folder), task)
        slices.append(task_slice)


def _replayed(task, name):
    try:
        replay = task.replay()
    except ValueError as error:
        return Verdict(name, True, problem=str(error))
    problem = "" if replay.holds else f"Outputs may differ by {TOLERANCE:.0e}. Received: {replay.difference:.1e}"
    return Verdict(name, True, replay, problem)


def conclusion(found):
    """What verdicts prove together, and why those fail that do."""
    failed = [verdict for verdict in found if not verdict.holds]
    if failed:
        reasons = [f"{verdict.task}: {verdict.problem}" for verdict in failed]
        total = f"FAILED: {len(failed)} of {len(found)} tasks are not proved to be what was learnt"
        return "\n".join([*reasons, total])
    if all(verdict.replay.bit_equal for verdict in found):
        return "Proved: every output is equal, bit for bit, to the one recorded when its task was learnt"
    return (
        f"Proved: every output is within {TOLERANCE:.0e} of the one recorded when its task was learnt (images span "
        "[-1, 1]); not bit for bit, which only the machine and libraries that learnt it promise"
    )


def rows(run_dir):
    """Facts on each learnt task, as plain data."""
    found = []
    for task in Run(run_dir):
        facts = task.facts
        full = summary(plan([task.name], task.architecture, "full", facts["prefixes"]))["total"]
        files = [os.path.join(task.folder, name) for name in ("slice.safetensors", "slice.json")]
        found.append(
            {
                "task": task.name,
                "method": facts["method"],
                "values": task.slice.size,
                "share": task.slice.bytes / full["bytes"],
                "bytes": sum(os.path.getsize(path) for path in files),
                "learnt": facts["learnt"],
                "data": facts["data"],
                "direction": facts["direction"] if len(facts["prefixes"]) == 1 else "both ways",
                "steps": facts["steps"],
            }
        )
    return found


def row_lines(found):
    """Rows as a table."""
    names = max([12] + [len(row["task"]) for row in found]) + 2
    yield (
        f"{'task':<{names}}{'method':<12}{'values':>13}{'of full':>9}{'MB on disk':>12}  "
        f"{'learnt':<17}{'direction':<11}data"
    )
    for row in found:
        yield (
            f"{row['task']:<{names}}{row['method']:<12}{row['values']:>13,}{row['share']:>9.1%}"
            f"{row['bytes'] / 1e6:>12.2f}  {row['learnt'][:16].replace('T', ' '):<17}{row['direction']:<11}"
            f"{row['data']}"
        )


def unfinished(run_dir):
    """The names of task folders that hold no slice yet."""
    folder = os.path.join(run_dir, "tasks")
    return [
        name
        for name in sorted(os.listdir(folder))
        if os.path.isdir(os.path.join(folder, name)) and not os.path.exists(os.path.join(folder, name, "slice.json"))
    ]
