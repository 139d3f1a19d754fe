"""The ledger of a run: its learned tasks with their hashes, and the tasks that were last found changed."""

import dataclasses
import itertools
import json
import os
from typing import Any, Optional

from pgtf.foundation import files, settings
from pgtf.foundation.errors import BankError
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank


@dataclasses.dataclass(frozen=True)
class Ledger:
    """The learned tasks of a run, in order, each with the sha256 of its slice.json.

    Attributes:
      learnt: ((task, sha256), …).
      changed: The tasks that the last verification found changed.
      dropped: The numbers of the dropped tasks that `learnt` no longer lists. A task that was adopted since is another
        task, even if it is equal.
    """

    learnt: tuple[tuple[str, str], ...] = ()
    changed: tuple[str, ...] = ()
    dropped: tuple[int, ...] = ()

    @classmethod
    def read(cls, run_dir: str) -> "Ledger":
        """Reads the ledger of a run. Returns an empty one if there is none."""
        path = os.path.join(run_dir, run_paths.LEDGER)
        try:
            with open(path, "rb") as file:
                plain = json.load(file)
            if plain["own_sha256"] != _digest(plain):
                raise ValueError("its sha256 differs")
            learnt = tuple((name, sha256) for name, sha256 in plain["learnt"])
            if not all(isinstance(text, str) for text in (*itertools.chain(*learnt), *plain["changed"])):
                raise ValueError("it holds other things than names and hashes")
            dropped = tuple(plain.get("dropped", ()))  # Older ledgers don't say.
            if not settings.is_of(tuple[int, ...], dropped):
                raise ValueError("its dropped tasks are no numbers")
            return cls(learnt, tuple(plain["changed"]), dropped)
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BankError(
                "A run's ledger must be as it was written. Restore the file. Without it the run can be used, but tasks "
                "that were lost or exchanged before are not noticed: compare with a digest stored elsewhere "
                f"(pgtf verify --expect). Received: {path} ({error})"
            ) from error

    @staticmethod
    def stamp(run_dir: str) -> Optional[tuple[int, int]]:
        """Returns (time, inode) of a run's ledger, which changes with each write. None if there is no ledger."""
        try:
            found = os.stat(os.path.join(run_dir, run_paths.LEDGER))
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    def write(self, run_dir: str) -> None:
        """Writes the ledger atomically."""
        plain: dict[str, Any] = {"learnt": [list(entry) for entry in self.learnt], "changed": list(self.changed)}
        plain.update({"dropped": list(self.dropped)} if self.dropped else {})
        plain["own_sha256"] = _digest(plain)
        files.write(os.path.join(run_dir, run_paths.LEDGER), json.dumps(plain, indent=1).encode())

    def problems(self, bank: FilterBank) -> dict[str, str]:
        """Returns {folder: problem} of the learned tasks that are missing from the bank or changed."""
        found = {}
        for index, (name, sha256) in enumerate(self.without_dropped(bank).learnt):
            folder = os.path.basename(bank.place(index, name))
            if index >= len(bank) or bank.names[index] != name:
                there = "nothing" if index >= len(bank) else os.path.basename(bank.place(index, bank.names[index]))
                found[folder] = (
                    f"The folder of a learned task was moved or removed. Received: {there} in place of {folder}"
                )
            elif files.sha256_of(os.path.join(bank.place(index, name), run_paths.SLICE)) != sha256:
                found[folder] = f"The slice is not the recorded one. Received: another slice.json in {folder}"
        return found

    def checked(self, bank: FilterBank) -> "Ledger":
        """Returns this ledger extended by new slices of the bank: a process may end between writing the two."""
        problems = self.problems(bank)
        if problems:
            raise BankError("\n".join(problems.values()))
        return dataclasses.replace(self.without_dropped(bank), learnt=bank.entries())

    def without_dropped(self, bank: FilterBank) -> "Ledger":
        """Returns this ledger without the tasks that were dropped after it was written."""
        gone = {(mark.name, mark.sha256) for mark in bank.dropped if mark.number not in self.dropped}
        gone -= set(bank.entries() if gone else ())  # Adopted again.
        names = {name for name, _ in gone.intersection(self.learnt)}
        return Ledger(
            tuple(entry for entry in self.learnt if entry not in gone),
            tuple(task for task in self.changed if task not in names),
            tuple(mark.number for mark in bank.dropped),
        )


def _digest(plain: dict[str, Any]) -> str:
    rest = {key: value for key, value in plain.items() if key != "own_sha256"}
    return files.sha256(json.dumps(rest, sort_keys=True).encode())
