"""What tasks leave behind: write-once slices, and the bank of filters that they are together."""

import dataclasses
import json
import os
import re

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from pgtf import files

FORMAT = 1


class BankError(ValueError):
    """What is stored is not whole, or would not be after this."""


@dataclasses.dataclass(frozen=True)
class TaskSlice:
    """All that one task keeps: arrays by path ("forward/down1/unconstrained") and the facts to rebuild it.

    On disk a slice is a folder with slice.safetensors and slice.json. The JSON is written last and holds the
    tensors' sha256 and its own, so a slice is there exactly when its JSON is, and then it is whole.
    """

    name: str
    values: dict
    facts: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if not re.fullmatch(r"[^/\0\n]+", self.name):
            raise BankError(f"A task's name must do as part of a folder's. Received: {self.name!r}")
        for value in self.values.values():
            value.setflags(write=False)

    @property
    def size(self):
        """How many values are stored."""
        return sum(value.size for value in self.values.values())

    @property
    def bytes(self):
        return sum(value.nbytes for value in self.values.values())

    def write(self, folder):
        """Writes the slice into a folder that holds none yet."""
        if os.path.exists(os.path.join(folder, "slice.json")):
            raise BankError(f"A slice is written once. Received: {folder}, which holds one")
        tensors = save({path: np.asarray(value, order="C") for path, value in self.values.items()})
        description = {
            "format": FORMAT,
            "name": self.name,
            "sha256": files.sha256(tensors),
            "shapes": {path: list(value.shape) for path, value in self.values.items()},
            "bits": {path: 8 * value.itemsize for path, value in self.values.items()},
            "facts": self.facts,
        }
        description["own_sha256"] = _digest(description)
        files.write(os.path.join(folder, "slice.safetensors"), tensors, read_only=True)
        files.write(os.path.join(folder, "slice.json"), json.dumps(description, indent=1).encode(), read_only=True)

    @classmethod
    def read(cls, folder):
        """The slice in a folder, checked against its hashes."""
        description = _description(folder)
        path = os.path.join(folder, "slice.safetensors")
        tensors = _bytes(path)
        if files.sha256(tensors) != description["sha256"]:
            raise BankError(f"A slice must be as it was written; its sha256 differs. Received: {path}")
        try:
            values = load(tensors)
        except SafetensorError as error:
            raise BankError(f"A slice must be a safetensors file. Received: {path} ({error})") from error
        return cls(description["name"], values, description["facts"])


def _description(folder):
    path = os.path.join(folder, "slice.json")
    try:
        description = json.loads(_bytes(path))
        newer = description["format"] > FORMAT
        whole = not newer and description["own_sha256"] == _digest(description)
    except (ValueError, KeyError, TypeError) as error:
        raise BankError(
            f"A slice's description must be the JSON that was written. Received: {path} ({error})"
        ) from error
    if newer:
        raise BankError(
            f"This pgtf reads slices up to format {FORMAT}; a newer pgtf wrote this one. "
            f"Received: format {description['format']} in {path}"
        )
    if not whole:
        raise BankError(f"A slice's description must be as it was written; its sha256 differs. Received: {path}")
    return description


def _digest(description):
    rest = {key: value for key, value in description.items() if key != "own_sha256"}
    return files.sha256(json.dumps(rest, sort_keys=True).encode())


def _bytes(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise BankError(f"A slice needs {os.path.basename(path)}. Received: none at {path}") from error


class FilterBank:
    """The slices of the tasks so far, in order; `bank["forward/down1"]` is that layer's filters, side by side.

    A view: nothing but the slices is stored, and nothing in them ever changes.
    """

    def __init__(self, slices=(), folder=None):
        self._slices = list(slices)
        self._folder = folder

    @classmethod
    def open(cls, folder):
        """The bank whose slices lie in folder/01-NAME, folder/02-NAME, …"""
        return cls([TaskSlice.read(path) for path in slice_folders(folder)], folder)

    def append(self, index, task_slice):
        """Adds the slice of task `index`, which must be the next; on disk too, where the bank has a folder."""
        if index != len(self._slices):
            what = "a repeat" if index < len(self._slices) else "a gap"
            raise BankError(f"The next slice must be of task {len(self._slices)}. Received: task {index}, {what}")
        if task_slice.name in self.names:
            raise BankError(f"Each task has one slice. Received: a second one of {task_slice.name!r}")
        if self._folder is not None:
            task_slice.write(os.path.join(self._folder, folder_name(index, task_slice.name)))
        self._slices.append(task_slice)

    def upto(self, count):
        """The bank as it was when `count` tasks were learnt."""
        return FilterBank(self._slices[:count])

    @property
    def names(self):
        return [task_slice.name for task_slice in self._slices]

    def __len__(self):
        return len(self._slices)

    def __contains__(self, index):
        return 0 <= index < len(self._slices)

    def slice(self, index):
        return self._slices[index]

    def __getitem__(self, path):
        return self.filters(path)

    def filters(self, *paths):
        """All unconstrained filters stored for these layer paths, path by path: [h, w, c_in, B], read-only."""
        keys = [f"{path}/unconstrained" for path in paths]
        parts = [s.values[key] for key in keys for s in self._slices if key in s.values]
        if not parts:
            raise KeyError(f"No task so far stored filters for this layer. Received: {', '.join(paths)}")
        filters = np.concatenate(parts, axis=-1)
        filters.setflags(write=False)
        return filters


def folder_name(index, name):
    """The folder of a task's slice: counted from 1, as people do."""
    return f"{index + 1:02d}-{name}"


def slice_folders(folder):
    """The folders that hold a slice, in order; a missing one between them is an error."""
    if not os.path.isdir(folder):
        return []
    found = {}
    for name in sorted(os.listdir(folder)):
        match = re.fullmatch(r"(\d+)-.+", name)
        # A folder without slice.json is a task still being learnt.
        if match and os.path.exists(os.path.join(folder, name, "slice.json")):
            number = int(match[1])
            if number in found:
                raise BankError(f"Each number has one slice. Received: {found[number]} and {name} in {folder}")
            found[number] = name
    missing = sorted(set(range(1, max(found, default=0) + 1)) - set(found))
    if missing:
        raise BankError(f"Slices must be numbered without a gap. Received: {folder} without number {missing[0]:02d}")
    return [os.path.join(folder, found[number]) for number in sorted(found)]
