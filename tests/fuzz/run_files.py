"""Breaks a run's files other than slices: ledger, replays, probes, flags, the record of an unfinished task."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import shutil
import tempfile

import numpy as np
from PIL import Image
from safetensors.numpy import load, save

from pgtf.assembly import build
from pgtf.assembly.planned_data import data_of
from pgtf.config import load_config, resumed, task_plans
from pgtf.foundation import files
from pgtf.storage.bank import FilterBank
from pgtf.storage.ledger import Ledger, _digest
from pgtf.training.sequence import SequentialTrainer
from pgtf.training.task_record import record_or_resume, training_of
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import ODD, changed_bytes, changed_tree, some
from tests.fuzz.slices import changed_header, listed, look_at, read_json, rewritten, write_json
from tests.tiny import tiny_run

TASKS = ("facades", "maps")
SECOND = os.path.join("tasks", "02-maps")
CHANGED = (
    "ledger.json",
    "config.cfg",
    os.path.join(SECOND, "replays.json"),
    os.path.join(SECOND, "probes.safetensors"),
)
BEGUN = os.path.join("tasks", "03-cityscapes", "begun.json")


def attack(case: Case) -> str:
    """Changes a file of a run, looks at the run and goes on with it."""
    draw, run = case.draw, case.path("run")
    shutil.copytree(_finished(), run)
    name = some(draw, (*CHANGED, BEGUN))
    CHANGES[os.path.basename(name)](draw, run, os.path.join(run, name))
    before = listed(case.folder)
    if name == BEGUN:
        words = _told(lambda: _go_on_with_a_task(run))
    elif name == "config.cfg" or draw.random() < 0.5:
        words = _told(lambda: _go_on(run))
    else:
        words = f"{look_at(run, 'maps')} refused"
    outside = {path for path in listed(case.folder) ^ before if not path.startswith(run)}
    if outside:
        raise Finding(f"What a run writes lies in the run. Received: {sorted(outside)}")
    return f"{os.path.basename(name).split('.')[0]}: {words}"


def _told(work):
    try:
        work()
    except (ValueError, OSError):
        return "refused"
    return "went on"


def _go_on(run):
    """Does as train.py does with a run whose tasks are all learned."""
    config = load_config(run)
    if config is not None and set(config.tasks) <= set(TASKS):  # Nothing would be learnt.
        resumed(config, config, TASKS)
        SequentialTrainer(config).run()


def _go_on_with_a_task(run):
    """Resumes an unfinished task as train.py does, without training."""
    config = _beginning(run)
    plan = task_plans(config)[2]
    found = record_or_resume(plan, data_of(plan), os.path.join(run, os.path.dirname(BEGUN)))
    SequentialTrainer(config)
    build.stream(plan, found)
    json.dumps(found.manifest.summary())


def _beginning(run):
    """The config of the run where its third task has begun."""
    config = load_config(run)
    return dataclasses.replace(config, tasks=(*TASKS, "cityscapes"), data_dir=os.path.join(run, "data"))


@functools.cache
def _finished():
    """A run with all that two learnt tasks leave, and a third that has begun."""
    run = os.path.join(tempfile.mkdtemp(), "run")
    tiny_run(run, TASKS)
    bank = FilterBank.open(os.path.join(run, "tasks"))
    Ledger(tuple(bank.entry(index) for index in range(len(bank)))).write(run)
    for index, name in enumerate(TASKS):
        record = {task: {"difference": 0.0, "bit_equal": True} for task in TASKS[: index + 1]}
        files.write(os.path.join(bank.place(index, name), "replays.json"), json.dumps(record).encode())
        files.write(os.path.join(run, "samples", f"{name}-input.png"), b"a picture")
    os.makedirs(os.path.join(run, os.path.dirname(BEGUN), "train", "step-3"))
    for number in range(3):
        pair = np.full([16, 32, 3], 80 * number, "uint8")
        os.makedirs(os.path.join(run, "data", "cityscapes", "train"), exist_ok=True)
        Image.fromarray(pair).save(os.path.join(run, "data", "cityscapes", "train", f"{number}.png"))
    plan = task_plans(_beginning(run))[2]
    settings = {**training_of(plan), **dataclasses.asdict(plan.objective)}
    record = {"settings": settings, "data": data_of(plan).manifest.to_json()}
    files.write(os.path.join(run, BEGUN), json.dumps(record).encode())
    return run


def _change_json(draw, run, path):
    """Plain data with a hash of its own that fits, or bytes."""
    del run
    if draw.random() < 0.3:
        rewritten(path, lambda content: changed_bytes(draw, content, b'{"learnt": [[[['))
        return
    with open(path) as file:
        plain = changed_tree(draw, json.load(file))
    if isinstance(plain, dict) and "own_sha256" in plain:
        plain["own_sha256"] = _digest(plain)
    rewritten(path, lambda _: json.dumps(plain).encode())


def _change_lines(draw, run, path):
    """A flagfile with other lines, or other bytes."""
    del run
    if draw.random() < 0.3:
        rewritten(path, lambda content: changed_bytes(draw, content, b"--tasks=a,b\n--flagfile=x\n--norun_dir\n"))
        return
    with open(path) as file:
        lines = file.read().splitlines()
    for _ in range(int(draw.integers(1, 4))):
        at = int(draw.integers(1, len(lines)))
        name, _, value = lines[at].partition("=")
        odd = str(some(draw, ODD))
        lines[at] = some(draw, (f"{name}={odd}", f"{name}={value}{odd}", name, "", f"{odd}={value}", f"--no{name[2:]}"))
    rewritten(path, lambda _: "\n".join(lines).encode(errors="replace"))


def _change_probes(draw, run, path):
    """Other arrays, or other bytes; most often the slice says that they are the ones."""
    kind = some(draw, ("arrays", "arrays", "header", "bytes"))
    change = {"arrays": _other_arrays, "header": changed_header, "bytes": changed_bytes}[kind]
    content = rewritten(path, lambda content: change(draw, content))
    if draw.random() < 0.85:
        place = os.path.join(run, SECOND)
        description = read_json(place)
        description["facts"]["probes_sha256"] = files.sha256(content)
        write_json(place, description)
        os.unlink(os.path.join(run, "ledger.json"))  # It knows the slice as it was.


def _other_arrays(draw, content):
    arrays = load(content)
    names = sorted(arrays)
    for _ in range(int(draw.integers(1, 3))):
        name = some(draw, names)
        value = arrays.get(name, np.zeros(2))
        other = some(
            draw,
            (
                value[:0],
                value.reshape(-1),
                value[..., :1],
                value[:1],
                value[:, ::2] if value.ndim > 1 else value,
                value.astype("float64"),
                value.astype("int8"),
                value.astype("bool"),
                value * np.nan,
                np.full(value.shape, 1e30),
                np.zeros([2, 7, 5, 3], "uint8"),
                np.zeros([1, 1, 1, 3], value.dtype),
                None,
            ),
        )
        arrays.pop(name, None)
        if other is not None:
            arrays[some(draw, (name, name, name, "x", "a/b", "a/b/c", "/", "backward/inputs", "x/outputs"))] = other
    return save({name: np.ascontiguousarray(value) for name, value in arrays.items()})


CHANGES = {
    "ledger.json": _change_json,
    "replays.json": _change_json,
    "begun.json": _change_json,
    "config.cfg": _change_lines,
    "probes.safetensors": _change_probes,
}
