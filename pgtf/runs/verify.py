"""Verifies that a run directory has not changed."""

import dataclasses
import json
import os
from collections.abc import Iterator
from typing import Optional

from pgtf.foundation import files, task_names
from pgtf.foundation.errors import BankError
from pgtf.runs.run import Run
from pgtf.storage.bank import FilterBank
from pgtf.storage.ledger import Ledger
from pgtf.storage.probes import TOLERANCE, Replay

VERDICT = "{:<24}{:<18}{}"
VERDICT_HEAD = VERDICT.format("task", "slice (sha256)", "outputs")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Verification of one stored task: its slice's hash, and the replay of its outputs.

    Attributes:
      task: Name of the task's folder.
      answered_by: The later task whose network answers for it, for methods that forget.
      has_probes: Whether there are probes to replay. Without them only the hash is verified.
      compressed: Description of the compression; see `Facts.compressed`.
    """

    task: str
    slice_is_whole: bool
    replay: Optional[Replay] = None
    problem: str = ""
    answered_by: str = ""
    has_probes: bool = True
    compressed: str = ""

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task.split("-", 1)[1]

    @property
    def holds(self) -> bool:
        """Whether the verification succeeded."""
        return self.slice_is_whole and self.replay is not None and self.replay.holds

    def __str__(self) -> str:
        whole = "as written" if self.slice_is_whole else "ALTERED"
        outputs = str(self.replay or "not replayed")
        outputs += f"; answered by {self.answered_by} now" if self.answered_by else ""
        outputs += f"; compressed {self.compressed}" if self.compressed else ""
        return VERDICT.format(*map(task_names.escaped, (self.task, whole, outputs)))


def verdicts(run_dir: str) -> Iterator[Verdict]:
    """Yields a Verdict for each task. A broken slice does not stop the verification of the others."""
    run, broken = Run(run_dir), {}
    lost = Ledger.read(run_dir).problems(run.bank)
    yield from (Verdict(folder, False, problem=problem) for folder, problem in lost.items())
    for index, name in enumerate(run.names):
        folder = os.path.basename(run.bank.place(index, name))
        if folder in lost:
            broken[name] = folder
            continue
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


def record_changes(run_dir: str, found: list[Verdict]) -> None:
    """Records in the run's ledger which tasks have changed. Changed tasks are not served any more."""
    changed = tuple(verdict.name for verdict in found if verdict.has_probes and not verdict.holds)
    if Ledger.read(run_dir).changed == changed:
        return
    with files.locked(run_dir, "changes a run directory"):
        ledger = Ledger.read(run_dir)
        if ledger.changed != changed:
            dataclasses.replace(ledger, changed=changed).write(run_dir)


def digest(bank: FilterBank, tasks: Optional[int] = None) -> str:
    """Returns the digest of a run: the sha256 of the names of its first `tasks` tasks and of their slice.json files.

    Default: all tasks. If it is stored elsewhere, it shows later whether a task was lost, exchanged or added.
    """
    return files.sha256(json.dumps(bank.entries()[:tasks]).encode())


def difference(bank: FilterBank, expected: str) -> str:
    """Describes the difference of a run from the one with the expected digest; empty if there is none."""
    if expected == digest(bank):
        return ""
    grown = [count for count in range(1, len(bank)) if digest(bank, count) == expected]
    if grown:
        return f"The expected digest is of the tasks up to {bank.names[grown[0] - 1]}; after it came " + ", ".join(
            bank.names[grown[0] :]
        )
    tasks = ", ".join(f"{name} (slice.json {sha256[:16]}…)" for name, sha256 in bank.entries())
    return f"The run is not the one whose digest was kept. Received: {digest(bank)}, of {tasks}"


def _replayed(run: Run, index: int, folder: str) -> Verdict:
    task = None
    try:
        task = run.at(index, index)  # As it was learned, whichever network answers for it now.
        replay = task.replay()
    except ValueError as error:
        return Verdict(folder, True, problem=str(error), has_probes=not task or task.has_probes)
    problem = "" if replay.holds else f"Outputs may differ by {TOLERANCE:.0e}. Received: {replay.difference:.1e}"
    return Verdict(folder, True, replay, problem, run.at(index).answered_by, compressed=task.facts.compressed)


def conclusion(found: list[Verdict]) -> str:
    """Summarizes verdicts in words, with the reasons of failures."""
    failed = [verdict for verdict in found if not verdict.holds]
    if failed:
        reasons = [task_names.escaped(f"{verdict.task}: {verdict.problem}") for verdict in failed]
        total = f"FAILED: {len(failed)} of {len(found)} tasks are not proved to be unchanged"
        return "\n".join([*reasons, total])
    if all(verdict.replay is not None and verdict.replay.bit_equal for verdict in found):
        return "Proved: every output is equal, bit for bit, to the one recorded when its task was learned"
    return (
        f"Proved: every output is within {TOLERANCE:.0e} of the one recorded when its task was learned (images span "
        "[-1, 1]). Outputs are equal bit for bit only on the same machine with the same libraries"
    )
