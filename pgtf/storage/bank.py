"""The bank: the filters that later tasks borrow, as a view of the earlier tasks' slices."""

import dataclasses
import glob
import json
import os
import re
from collections.abc import Sequence
from typing import TypeVar

from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.methods import Bank
from pgtf.storage import run_paths
from pgtf.storage.task_slice import Borrowed, TaskSlice

Slices = TypeVar("Slices", bound="FilterBank")


class FilterBank(Bank):
    """The slices of the tasks so far, in order.

    Only the slices are stored, and they never change. A slice on disk is read on first use.
    """

    def __init__(self, slices: Sequence[TaskSlice] = (), folder: str = ""):
        self.names: list[str] = [task_slice.name for task_slice in slices]
        self.dropped: tuple[Dropped, ...] = ()
        self._numbers = list(range(1, len(slices) + 1))
        self._read = dict(enumerate(slices))
        self._folder = folder

    @classmethod
    def open(cls: type[Slices], folder: str) -> Slices:
        """Opens the bank with slices in folder/01-NAME, folder/02-NAME, …"""
        bank = cls(folder=folder)
        bank.dropped = dropped_in(folder)
        for path in slice_folders(folder):
            number, name = os.path.basename(path).split("-", 1)
            bank._numbers.append(int(number))
            bank.names.append(name)
        return bank

    def append(self, task_slice: TaskSlice) -> None:
        """Appends the next task's slice.

        If the bank has a folder, the slice is written there and read again on first use, so that a long run does not
        keep the values of all its tasks in memory.
        """
        if task_slice.name in self.names:
            raise BankError(f"A bank has one slice for each task. Received: a second one of {task_slice.name!r}")
        if self._folder:
            task_slice.write(self.place(len(self), task_slice.name))
        else:
            self._read[len(self)] = task_slice
        self._numbers.append(self._number(len(self)))
        self.names = [*self.names, task_slice.name]

    def place(self, index: int, name: str) -> str:
        """Returns the folder of a task, learned or not."""
        return os.path.join(self._folder, run_paths.task_folder(self._number(index) - 1, name))

    def _number(self, index: int) -> int:
        """Returns the number in a task's folder. Numbers of dropped tasks are not used again."""
        if index < len(self._numbers):
            return self._numbers[index]
        last = max([0, *self._numbers, *(mark.number for mark in self.dropped)])
        return last + 1 + index - len(self._numbers)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> TaskSlice:
        return self.slice(self.names.index(name))

    def slice(self, index: int) -> TaskSlice:
        """Returns the slice of task `index`."""
        if index not in self._read:
            self._read[index] = self._found(index)
        return self._read[index]

    def _found(self, index: int) -> TaskSlice:
        # In format 1 a task borrowed from all before it, and didn't say so.
        task_slice = TaskSlice.read(
            self.place(index, self.names[index]),
            unrecorded=lambda facts: self.borrowed(facts.method.borrows(self.names[:index])),
        )
        if task_slice.name != self.names[index]:
            folder = os.path.basename(self.place(index, self.names[index]))
            raise BankError(
                "A slice's folder must have the name of its task. "
                f"Received: {folder}, which holds the slice of {task_slice.name!r}"
            )
        return task_slice

    def entry(self, index: int) -> tuple[str, str]:
        """Returns the ledger entry of task `index`: (name, sha256 of slice.json)."""
        name = self.names[index]
        return name, files.sha256_of(os.path.join(self.place(index, name), run_paths.SLICE))

    def entries(self) -> tuple[tuple[str, str], ...]:
        """Returns the ledger entries of all tasks, in order."""
        return tuple(map(self.entry, range(len(self))))

    def borrowed(self, names: Sequence[str]) -> tuple[Borrowed, ...]:
        """Returns the record of borrowed slices that a new slice stores."""
        return tuple(Borrowed(name, self[name].sha256) for name in names)

    def only(self: Slices, names: Sequence[str]) -> Slices:
        """Returns the bank of only these tasks."""
        return type(self)([self[name] for name in names])

    def lenders_of(self: Slices, borrows: Sequence[Borrowed]) -> Slices:
        """Returns the bank of the slices that a slice borrows from. Raises BankError if one is missing."""
        slices = []
        for borrowed in borrows:
            if borrowed.task not in self.names:
                raise BankError(
                    "A slice that the task borrows from is missing. "
                    f"Received: none of {borrowed.task!r} (sha256 {borrowed.sha256[:12]}…)"
                )
            task_slice = self[borrowed.task]
            if task_slice.sha256 != borrowed.sha256:
                raise BankError(
                    f"The slice of {borrowed.task!r} must be the one that the task was learned on, of sha256 "
                    f"{borrowed.sha256[:12]}…. Received: another one, of sha256 {task_slice.sha256[:12]}…"
                )
            slices.append(task_slice)
        return type(self)(slices)


def slice_folders(folder: str) -> list[str]:
    """Lists the folders that hold a slice, in order. Raises BankError if a number between them is missing."""
    found: dict[int, str] = {}
    for number, name in numbered(folder):
        # A folder without slice.json is a task still being learned.
        if os.path.exists(os.path.join(folder, name, run_paths.SLICE)) and not _is_dropped(folder, name):
            if number in found:
                raise BankError(
                    f"Two folders of slices have the same number. Received: {found[number]} and {name} in {folder}"
                )
            found[number] = name
    dropped = {mark.number for mark in dropped_in(folder)}
    missing = sorted(set(range(1, max(found, default=0) + 1)) - set(found) - dropped)
    if missing:
        raise BankError(f"Slices must be numbered without a gap. Received: {folder} without number {missing[0]:02d}")
    return [os.path.join(folder, found[number]) for number in sorted(found)]


@dataclasses.dataclass(frozen=True)
class Dropped:
    """The file dropped.json that marks a dropped task's folder. Its number is not used again.

    sha256: Hash of its slice.json.
    """

    number: int
    name: str
    sha256: str

    def path(self, folder: str) -> str:
        """Returns the path of this dropped.json. folder: The folder of all slices."""
        return os.path.join(folder, run_paths.task_folder(self.number - 1, self.name), run_paths.DROPPED)

    def write(self, folder: str) -> None:
        """Writes dropped.json, which drops the task. folder: The folder of all slices."""
        files.write(self.path(folder), json.dumps({"name": self.name, "sha256": self.sha256}).encode(), read_only=True)


def dropped_in(folder: str) -> tuple[Dropped, ...]:
    """Lists the dropped tasks of a folder of slices, by number."""
    return tuple(_read_mark(folder, number, name) for number, name in numbered(folder) if _is_dropped(folder, name))


def _read_mark(folder: str, number: int, name: str) -> Dropped:
    path = os.path.join(folder, name, run_paths.DROPPED)
    try:
        with open(path, "rb") as file:
            plain = json.load(file)
        mark = Dropped(number, plain["name"], plain["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BankError(f"The mark of a dropped task must be as it was written. Received: {path} ({error})") from error
    if run_paths.task_folder(number - 1, str(mark.name)) != name or not isinstance(mark.sha256, str):
        raise BankError(f"The mark of a dropped task lies in the folder of another. Received: {path} of {mark.name!r}")
    return mark


def _is_dropped(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name, run_paths.DROPPED))


def numbered(folder: str) -> list[tuple[int, str]]:
    """Lists (number, name) of the folders NUMBER-TASK in a folder, in order."""
    matches = (re.fullmatch(r"(\d+)-.+", name) for name in (os.listdir(folder) if os.path.isdir(folder) else ()))
    return sorted((int(match[1]), match[0]) for match in matches if match)


def none_learned(folder: str) -> FileNotFoundError:
    """Returns the error for a folder without learned tasks. It lists the runs inside and beside the folder."""
    runs = set()
    for place in (folder, os.path.dirname(os.path.normpath(folder))):
        for path in glob.glob(os.path.join(glob.escape(place), "*", run_paths.TASKS, "*", run_paths.SLICE)):
            runs.add(path.rsplit(os.sep, 3)[0])
    what = "where no task is learned yet" if os.path.isdir(os.path.join(folder, run_paths.TASKS)) else "which is none"
    return FileNotFoundError(
        f"A run directory holds tasks/01-NAME/slice.json. Received: {folder}, {what}; "
        f"there are: {', '.join(sorted(runs)) or 'none near it'}"
    )
