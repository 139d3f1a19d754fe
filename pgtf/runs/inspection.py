"""What a run directory holds, and whether it is what it was."""

import dataclasses
import os
from collections.abc import Iterable, Iterator
from typing import Any, Optional

from pgtf.evaluation.replay import TOLERANCE, Replay
from pgtf.methods import METHODS
from pgtf.runs.bank import FilterBank
from pgtf.runs.directory import Run, none_learnt
from pgtf.runs.slices import BankError
from pgtf.settings import name_in

VERDICT = "{:<24}{:<18}{}"
VERDICT_HEAD = VERDICT.format("task", "slice (sha256)", "outputs")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Of one stored task: whether its slice is what was written, and whether its outputs are what they were.

    task: Its folder's name.
    """

    task: str
    slice_is_whole: bool
    replay: Optional[Replay] = None
    problem: str = ""

    @property
    def holds(self) -> bool:
        """Whether all is proved."""
        return self.slice_is_whole and self.replay is not None and self.replay.holds

    def __str__(self) -> str:
        whole = "as written" if self.slice_is_whole else "ALTERED"
        return VERDICT.format(self.task, whole, str(self.replay or "not replayed"))


def verdicts(run_dir: str) -> Iterator[Verdict]:
    """A Verdict for each task, one after the other; a broken slice doesn't keep the others from being checked."""
    run, broken = Run(run_dir), {}
    for index, name in enumerate(run.names):
        folder = os.path.basename(run.bank.place(index, name))
        try:
            own = run.bank.slice(index)
            own.check()
        except BankError as error:
            broken[name] = folder
            yield Verdict(folder, False, problem=str(error))
            continue
        lenders = [broken[borrowed.task] for borrowed in own.borrows if borrowed.task in broken]
        if lenders:
            yield Verdict(folder, True, problem=f"Its filters are mixed from {', '.join(lenders)}, which is not whole")
        else:
            yield _replayed(run, index, folder)


def _replayed(run: Run, index: int, folder: str) -> Verdict:
    try:
        replay = run.at(index).replay()
    except ValueError as error:
        return Verdict(folder, True, problem=str(error))
    problem = "" if replay.holds else f"Outputs may differ by {TOLERANCE:.0e}. Received: {replay.difference:.1e}"
    return Verdict(folder, True, replay, problem)


def conclusion(found: list[Verdict]) -> str:
    """What verdicts prove together, and why those fail that do."""
    failed = [verdict for verdict in found if not verdict.holds]
    if failed:
        reasons = [f"{verdict.task}: {verdict.problem}" for verdict in failed]
        total = f"FAILED: {len(failed)} of {len(found)} tasks are not proved to be what was learnt"
        return "\n".join([*reasons, total])
    if all(verdict.replay is not None and verdict.replay.bit_equal for verdict in found):
        return "Proved: every output is equal, bit for bit, to the one recorded when its task was learnt"
    return (
        f"Proved: every output is within {TOLERANCE:.0e} of the one recorded when its task was learnt (images span "
        "[-1, 1]); not bit for bit, which only the machine and libraries that learnt it promise"
    )


def rows(run_dir: str) -> list[dict[str, Any]]:
    """Facts on each learnt task, as plain data; of its files only the JSON is read."""
    bank = FilterBank.open(os.path.join(run_dir, "tasks"))
    if not len(bank):
        raise none_learnt(run_dir)
    return [_row(bank, index) for index in range(len(bank))]


def _row(bank: FilterBank, index: int) -> dict[str, Any]:
    task_slice = bank.slice(index)
    facts, place = task_slice.facts, bank.place(index, task_slice.name)
    files = [os.path.join(place, name) for name in ("slice.safetensors", "slice.json")]
    return {
        "task": task_slice.name,
        "method": name_in(METHODS, facts.method),
        "values": task_slice.size,
        "share": task_slice.stored_bytes / (4 * facts.full_values) if facts.full_values else None,
        "bytes": sum(os.path.getsize(path) for path in files),
        "learnt": facts.learnt,
        "data": facts.data,
        "direction": facts.direction if facts.objective.paired else "both ways",
        "steps": facts.steps,
        "borrows": [borrowed.task for borrowed in task_slice.borrows],
    }


def row_lines(found: list[dict[str, Any]]) -> Iterable[str]:
    """Rows as a table."""
    names = max([12] + [len(row["task"]) for row in found]) + 2
    yield (
        f"{'task':<{names}}{'method':<12}{'values':>13}{'of full':>9}{'MB on disk':>12}  "
        f"{'learnt':<17}{'direction':<11}data"
    )
    for row in found:
        share = "-" if row["share"] is None else f"{row['share']:.1%}"
        yield (
            f"{row['task']:<{names}}{row['method']:<12}{row['values']:>13,}{share:>9}"
            f"{row['bytes'] / 1e6:>12.2f}  {row['learnt'][:16].replace('T', ' '):<17}{row['direction']:<11}"
            f"{row['data']}"
        )


def unfinished(run_dir: str) -> list[str]:
    """The names of task folders that hold no slice yet."""
    folder = os.path.join(run_dir, "tasks")
    return [
        name
        for name in sorted(os.listdir(folder))
        if os.path.isdir(os.path.join(folder, name)) and not os.path.exists(os.path.join(folder, name, "slice.json"))
    ]
