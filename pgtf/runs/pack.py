"""Packs a task into one safetensors file, with the tensors of its slice and of the slices that it borrows from.

The file's metadata hold a model card, and the text of each slice.json and of each file's header, so that unpacking
restores the files byte for byte. Reading a pack executes nothing.
"""

import atexit
import contextlib
import json
import os
import struct
import tempfile
from collections.abc import Iterator
from typing import Any, Callable, Optional

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pgtf.assembly.swapping import SwappedNetworks
from pgtf.foundation import files, task_names
from pgtf.foundation.errors import BankError
from pgtf.foundation.version import __version__
from pgtf.runs.describe import Measured, described, measured
from pgtf.runs.run import Run
from pgtf.storage import run_paths

FORMAT = "1"
STAGING = ".packing-"
PARTS = {"slice": run_paths.TENSORS, "probes": run_paths.PROBES}  # {name in a pack: file}


def pack(run: Run, name: str, path: str, licence: Optional[str] = None, probes: bool = True) -> dict[str, Any]:
    """Writes a task and all tasks that it borrows from into one new file.

    Args:
      run: The run of the task.
      name: Name of the task.
      path: The file.
      licence: Licence of the task, for the card.
      probes: Whether to pack the recorded test images. Without them the task cannot be replayed, nor adopted.

    Returns:
      The card.
    """
    if os.path.lexists(path) or not path.endswith(".safetensors"):
        if os.path.isdir(_staging_of(path)):  # Of a process that was killed after its pack was in place.
            with _staging(path):
                pass
        raise ValueError(f"A pack must be a new file NAME.safetensors. Received: {path}")
    task, tensors, slices = run[name], {}, []
    if task.answered_by:
        raise ValueError(
            "A task can't be packed if a later task's network answers for it. "
            f"Received: {name!r}, for which {task.answered_by} answers"
        )
    for index in _needed(run, run.names.index(name)):
        each = run.at(index, index)
        each.slice.check()
        if each.has_probes:
            each.probes  # noqa: B018  (reads, and so checks)
        entry: dict[str, Any] = {"name": each.name}
        with open(os.path.join(each.folder, run_paths.SLICE), encoding="utf-8") as file:
            entry["description"] = file.read()
        for part in PARTS if probes and each.has_probes else ("slice",):
            entry[part], values = _read(os.path.join(each.folder, PARTS[part]))
            tensors.update({f"{each.name}/{part}/{key}": value for key, value in values.items()})
        slices.append(entry)
    card = _card(run, task, licence)
    about = {"pgtf_pack": FORMAT, "card": json.dumps(card, indent=1), "slices": json.dumps(slices)}
    _write(path, save(tensors, about))
    return card


def _write(path: str, content: bytes) -> None:
    """Writes a pack through a staging folder beside it. The next pack to this path removes what a killed one left."""
    folder, name = os.path.split(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    with _staging(path) as staging:
        files.write(os.path.join(staging, name), content)
        os.replace(os.path.join(staging, name), path)
        files.sync_folder(folder)


@contextlib.contextmanager
def _staging(path: str) -> Iterator[str]:
    """Locks and yields the staging folder of a pack; removes it at the end."""
    staging = _staging_of(path)
    with files.locked(staging, "packs into a file"):
        try:
            yield staging
        finally:
            files.remove(*os.path.split(staging))


def _staging_of(path: str) -> str:
    folder, name = os.path.split(os.path.abspath(path))
    return files.inside(folder, f"{STAGING}{name}")


def load(path: str, compiled: Optional[SwappedNetworks] = None) -> Run:
    """Opens a run directory, or a file that `pgtf pack` wrote. compiled: As for `Run`."""
    return unpacked(path, compiled) if os.path.isfile(path) else Run(path, compiled)


def unpacked(path: str, compiled: Optional[SwappedNetworks] = None) -> Run:
    """Unpacks a pack into a temporary folder that lasts as long as the process."""
    temporary = tempfile.TemporaryDirectory(prefix="pgtf-")
    atexit.register(temporary.cleanup)
    unpack(path, temporary.name)
    return Run(temporary.name, compiled)


def unpack(path: str, folder: str) -> None:
    """Writes the tasks of a pack as a run directory.

    Args:
      path: The file. It may come from strangers: its content is checked on use, as in any run.
      folder: An empty folder.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            if about.get("pgtf_pack") != FORMAT:
                raise ValueError(f"pgtf_pack is {about.get('pgtf_pack')!r}, not {FORMAT!r}")
            slices = json.loads(about["slices"])
            found = [entry["name"] for entry in slices]
            if not all(map(task_names.is_name, found)) or len(set(found)) < len(found):
                raise ValueError(f"tasks have different {task_names.RULE}, not {found!r}")
            for index, entry in enumerate(slices):
                _unpack_one(
                    entry,
                    file.get_tensor,
                    os.path.join(folder, run_paths.TASKS, run_paths.task_folder(index, entry["name"])),
                )
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BankError(
            f"The file is not a pack that `pgtf pack` wrote. Received: {path} ({type(error).__name__}: {error})"
        ) from error


def _needed(run: Run, index: int) -> list[int]:
    """Lists a task and all that it borrows from, directly or indirectly, in order."""
    found, waiting = set(), [index]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += map(run.names.index, run.at(one, one).bank.names)
    return sorted(found)


def _unpack_one(entry: dict[str, Any], tensor: Callable[[str], np.ndarray], place: str) -> None:
    for part in PARTS:
        if part in entry:
            listed = {name: about for name, about in json.loads(entry[part]).items() if name != "__metadata__"}
            ordered = sorted(listed, key=lambda name: listed[name]["data_offsets"][0])
            header = entry[part].encode()
            values = (np.ascontiguousarray(tensor(f"{entry['name']}/{part}/{name}")).tobytes() for name in ordered)
            content = b"".join([struct.pack("<Q", len(header)), header, *values])
            files.write(os.path.join(place, PARTS[part]), content)
    files.write(os.path.join(place, run_paths.SLICE), entry["description"].encode())


def _read(path: str) -> tuple[str, dict[str, np.ndarray]]:
    """Reads the header of a safetensors file as text, and its tensors."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = file.read(length).decode()
    with safe_open(path, framework="numpy") as opened:
        return header, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def _card(run: Run, task: Any, licence: Optional[str]) -> dict[str, Any]:
    figures, unmeasured = measured(run.folder, run.bank)
    found = _figures(figures, task)
    return {
        "task": task.name,
        "about": described(task.slice),
        "borrows": [{"task": one.task, "sha256": one.sha256} for one in task.slice.borrows],
        "sha256": task.slice.sha256,
        "licence": licence,
        "measured": bool(found),
        "figures": found,
        "measured_by": {name: list(by) for name, by in figures.extractors.items() if by} if figures and found else {},
        **({"not_measured": unmeasured} if unmeasured else {}),
        "pgtf": __version__,
    }


def _figures(figures: Optional[Measured], task: Any) -> dict[str, Optional[float]]:
    """Returns {metric: value} of a task after the last measured one; empty if this slice was not measured."""
    matrix = figures.matrix if figures else None
    if not matrix or (task.name, task.slice.sha256) not in zip(matrix.tasks, matrix.slices):
        return {}
    found = {metric: matrix.value(metric, task.name, matrix.tasks[-1]) for metric in matrix.values}
    return found if any(value is not None for value in found.values()) else {}
