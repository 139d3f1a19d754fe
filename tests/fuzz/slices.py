"""Slices from strangers: whole by their hashes, wrong in anything else. Each is told, and none ends a look at a run."""

from __future__ import annotations

import json
import os

import keras
import numpy as np

from pgtf.assembly.recorded_data import changes, recorded_data
from pgtf.data.pixels import RGB, Pixels
from pgtf.foundation import files
from pgtf.methods import METHODS, Piggyback
from pgtf.runs.listing import row_lines, rows, unfinished
from pgtf.runs.run import Run
from pgtf.runs.verify import conclusion, record_changes, verdicts
from pgtf.storage.task_slice import _digest
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import changed_bytes, changed_tree, some
from tests.tiny import tiny_run

TASKS = ("facades", "maps")
RUNS = (
    dict(network="resnet", objective="cyclegan"),
    dict(network="resnet", objective="cyclegan", method=Piggyback(share_bank=True)),
    dict(norm="batch", size=(8, 16)),
    *(dict(method=name) for name, kind in METHODS.items() if kind.needs != "latents"),
    *(
        dict(network="stylegan2", objective="unconditional", method=name)
        for name in ("full", "piggyback", "width_wise", "minegan", "mapping_only")
    ),
    dict(pixels=(Pixels.of_type(1, "uint16"), Pixels(6, "float32", -3.0, 5.5)), method="full"),
    dict(pixels=(Pixels.of_type(4, "uint8"), RGB)),
    dict(pixels=(Pixels(2, "float32"), Pixels.of_type(1, "uint16")), network="resnet", objective="cyclegan"),
)
KEPT = ("ledger.json",)  # What looking at a run may write.


def attack(case: Case) -> str:
    """Changes a slice of a run and looks at the run in every way."""
    draw, run = case.draw, case.path("run")
    tiny_run(run, TASKS, **some(draw, RUNS))
    index = int(draw.integers(len(TASKS)))
    _change(draw, run, index)
    if draw.random() < 0.8:  # Most of the time goes into replays of the other task.
        os.unlink(os.path.join(_place(run, 1 - index), "probes.safetensors"))
    before = listed(case.folder)
    refused = look_at(run, TASKS[index], translate=draw.random() < 0.1)
    noted = {os.path.join(run, name) for name in ("ledger.json", ".lock")}  # What verify found.
    written = (listed(case.folder) ^ before) - noted
    if written:
        raise Finding(f"Looking at a run writes no file but its ledger. Received: {sorted(written)}")
    return f"{refused} refused"


def look_at(run: str, name: str, translate: bool = False) -> int:
    """Lists and verifies a run, and builds or uses one of its tasks; how many of the three are refused."""
    keras.backend.clear_session()
    refused, replayed = 0, []
    for look in (
        lambda: _list(run),
        lambda: replayed.extend(_replayed(run)),
        lambda: _use(run, name, translate, name in replayed),
    ):
        try:
            look()
        except (ValueError, OSError):
            refused += 1
    return refused


def _list(run):
    """Does as list.py does."""
    found = rows(run)
    json.dumps({"tasks": found, "unfinished": unfinished(run)})
    "\n".join(row_lines(found))


def _replayed(run):
    """Does as verify.py does, and returns the names of the tasks that could be replayed."""
    found = []
    for verdict in verdicts(run):
        str(verdict)
        found.append(verdict)
    record_changes(run, found)
    conclusion(found)
    return [verdict.task.split("-", 1)[1] for verdict in found if verdict.replay]


def _use(run, name, translate, built):
    """Does as translate.py, export.py and evaluate.py do, without building a network twice."""
    task = Run(run)[name]
    changes(task.facts, recorded_data(name, task.facts))
    if translate and task.facts.objective.serves == "latents":
        task.image_generator(np.zeros([1, *task.facts.architecture.input], "float32"))
    elif translate:
        given = task.facts.input_pixels
        task(np.zeros([5, 7, given.channels], given.dtype), tile=64)
    elif not built:
        task.rebuilt()


def listed(folder: str) -> set[str]:
    """All that lies in a folder, but for what looking at a run may write."""
    return {os.path.join(place, name) for place, _, names in os.walk(folder) for name in names if name not in KEPT} | {
        place for place, _, _ in os.walk(folder)
    }


def _place(run, index):
    return os.path.join(run, "tasks", f"{index + 1:02d}-{TASKS[index]}")


def _change(draw, run, index):
    """Changes the JSON or the tensors of a slice; the hashes fit what it has become."""
    place = _place(run, index)
    kind = some(draw, ("tree", "tree", "tree", "json", "header", "tensors"))
    if kind == "json":
        rewritten(os.path.join(place, "slice.json"), lambda content: changed_bytes(draw, content, b'{"name": [[[['))
        return
    description = read_json(place)
    if kind == "tree":
        description = changed_tree(draw, description)
    else:
        path = os.path.join(place, "slice.safetensors")
        change = changed_header if kind == "header" else changed_bytes
        before, content = description["sha256"], rewritten(path, lambda content: change(draw, content))
        description["sha256"] = files.sha256(content)
        if draw.random() < 0.8:
            _lend(run, before, description["sha256"])
    write_json(place, description)


def _lend(run, before, after):
    """Makes the other slices borrow what has become of a slice."""
    for index in range(len(TASKS)):
        description = read_json(_place(run, index))
        for borrowed in description["borrows"]:
            if borrowed["sha256"] == before:
                borrowed["sha256"] = after
        write_json(_place(run, index), description)


def changed_header(draw: np.random.Generator, content: bytes) -> bytes:
    """A safetensors file with other facts on its tensors."""
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(changed_tree(draw, json.loads(content[8 : 8 + length]))).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def read_json(place: str) -> dict:
    """The description of a slice."""
    with open(os.path.join(place, "slice.json")) as file:
        return json.load(file)


def write_json(place: str, description: object) -> None:
    """Writes a description as a liar would, with its own hash made to fit."""
    if isinstance(description, dict):
        description["own_sha256"] = _digest(description)
    rewritten(os.path.join(place, "slice.json"), lambda _: json.dumps(description).encode())


def rewritten(path: str, change) -> bytes:
    """Writes a file anew, as what a function makes of its bytes."""
    os.chmod(path, 0o644)
    with open(path, "rb") as file:
        content = change(file.read())
    with open(path, "wb") as file:
        file.write(content)
    return content
