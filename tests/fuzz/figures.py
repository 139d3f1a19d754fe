"""Damaged figures of evaluations, records, packs and reproduce: a hole or a refusal, and no edited one counts."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import math
import os

from pgtf.evaluation.records import Records
from pgtf.experiments.paper.experiment import experiment_of
from pgtf.experiments.paper.results import Results, _sha256
from pgtf.experiments.paper.tables import distance, later_distance, later_share
from pgtf.foundation import files
from pgtf.metrics import matrix_text
from pgtf.metrics.matrix import Matrix
from pgtf.metrics.measurements import ImageSet, Measurement
from pgtf.metrics.own_hash import with_own_hash
from pgtf.runs.describe import measured
from pgtf.runs.listing import row_lines, rows
from pgtf.runs.pack import pack, unpack
from pgtf.runs.run import Run
from pgtf.storage.bank import FilterBank
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import changed_bytes, changed_tree, some
from tests.fuzz.slices import changed_header, rewritten
from tests.storage.made_slices import a_slice

TASKS = ("labels", "maps")
SET = ImageSet("test", 3, (8, 12), "left half", "a" * 64)
EXTRACTOR = {"name": "eyes", "sha256": "b" * 64, "resize": "none", "dtype": "float32"}
FIGURES = {
    "FID-768": Measurement("FID-768", 1.25, real=SET, generated=SET, extractor=EXTRACTOR, notes=("few",)),
    "KID-768": Measurement("KID-768", 0.5, standard_error=0.1, real=SET, generated=SET, extractor=EXTRACTOR),
    "L1": Measurement("L1", 0.25, generated=SET),
    "Acc": Measurement("Acc", None, "one task"),
}
FACTS = {"task": "maps", "player": ["b"], "images": [{"size": [8, 12]}], "extractor": None}
EXPERIMENT = experiment_of(TASKS, {"method": "mask", "steps": 5}, 1)


def attack(case: Case) -> str:
    """Damages one file and reads it as all that read it do."""
    return some(case.draw, (_matrix, _record, _pack, _result))(case)


def _edited(draw, text, seal=None):
    """The text damaged, edited as by hand, or changed by a liar whose seal fits."""
    if draw.random() < 0.15:
        return text.replace(some(draw, ("1.25", "0.5", "0.25")), "0.125")
    if draw.random() < 0.3:
        content = changed_bytes(draw, text.encode(), b'{"values": [[[[NaN, 1e999')
        return content.decode(errors="replace")
    plain = changed_tree(draw, json.loads(text))
    if seal and isinstance(plain, dict) and draw.random() < 0.6:
        plain = seal(plain)
    return json.dumps(plain)


def _is_edited(text, original, key):
    """Whether a text says something else than the original, under the original's hash."""
    try:
        plain, before = json.loads(text), json.loads(original)
    except (ValueError, RecursionError):
        return True
    return isinstance(plain, dict) and plain.get(key) == before[key] and _plain(plain) != _plain(before)


def _plain(value):
    return json.dumps(value, sort_keys=True)


def _run(folder):
    bank = FilterBank(folder=os.path.join(folder, "tasks"))
    for index in range(len(TASKS)):
        bank.append(dataclasses.replace(a_slice(index), borrows=()))
    return FilterBank.open(os.path.join(folder, "tasks"))


@functools.cache
def _text():
    """The file of an evaluation of both tasks."""
    matrix, figures = Matrix(TASKS, tuple(a_slice(index).sha256 for index in range(2))), {}
    for task, after in (("labels", "labels"), ("labels", "maps"), ("maps", "maps")):
        figures[task, after] = FIGURES
        for name, figure in FIGURES.items():
            matrix = matrix.with_value(name, task, after, figure.value)
    return matrix_text.to_json(matrix, figures)


def _seal(plain):
    return with_own_hash({key: value for key, value in plain.items() if key != "own_sha256"})


def _matrix(case):
    """The matrix of a run is as it was written, or a hole with a reason; tables of a liar's can be written."""
    text = _edited(case.draw, _text(), _seal)
    bank = _run(case.folder)
    files.write(case.path("evaluation", "matrix.json"), text.encode(errors="replace"))
    found, why = measured(case.folder, bank)
    if found is None:
        if not why and "values" in text and _has_values(text):
            raise Finding(f"A file that is not read is a hole with a reason. Received: none of {text[:200]}")
        return "matrix refused"
    if _is_edited(text, _text(), "own_sha256"):
        raise Finding(f"A figure that was edited does not count. Received: {text}")
    matrix, figures = matrix_text.with_figures(text)
    for name, values in matrix.values.items():
        matrix_text.table(matrix, name, figures)
        matrix.measures(name)
        if not all(value is None or math.isfinite(value) for row in values for value in row):
            raise Finding(f"A figure is finite. Received: {name} {values}")
    matrix_text.summary(matrix, figures)
    matrix_text.to_csv(matrix, figures)
    matrix_text.to_json(matrix, figures)
    return "matrix read"


def _has_values(text):
    try:
        return bool(json.loads(text)["values"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return True


def _record(case):
    """A record is as it was written, or measured anew, and it is said why."""
    said = []
    records = Records(case.path("records"), said.append)
    records.write(FACTS, FIGURES)
    (name,) = os.listdir(records.folder)
    path = os.path.join(records.folder, name)
    with open(path, encoding="utf-8") as file:
        original = file.read()
    text = _edited(case.draw, original)
    files.write(path, text.encode(errors="replace"))
    found = records.read(FACTS)
    if found is None:
        if not said:
            raise Finding(f"It is said why a record is not used. Received: nothing of {text[:200]}")
        return "record refused"
    if found != FIGURES and "sha256" in _keys(text):
        raise Finding(f"A figure that was edited does not count. Received: {found}")
    return "record read"


def _keys(text):
    plain = json.loads(text)
    return [key for key in plain if plain[key] is not None]  # A hash of null is none, as in older records.


@functools.cache
def _packed():
    """The bytes of a pack."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        _run(folder)
        files.write(os.path.join(folder, "evaluation", "matrix.json"), _text().encode())
        path = os.path.join(folder, "x.safetensors")
        pack(Run(folder), "maps", path)
        with open(path, "rb") as file:
            return file.read()


def _pack(case):
    """A pack is unpacked into its folder, or refused; what is unpacked is checked as any run."""
    draw, path, folder = case.draw, case.path("x.safetensors"), case.path("unpacked")
    files.write(path, _packed())
    change = some(draw, (_changed_card, _changed_card, changed_header, changed_bytes))
    rewritten(path, lambda content: change(draw, content))
    before = set(os.listdir(case.folder))
    os.makedirs(folder)
    try:
        unpack(path, folder)
        list(row_lines(rows(folder)))
        for task in Run(folder):
            task.slice.check()
    except (ValueError, OSError):
        outcome = "pack refused"
    else:
        outcome = "pack read"
    if set(os.listdir(case.folder)) != before | {"unpacked"}:
        raise Finding(f"What is unpacked lies in its folder. Received: {os.listdir(case.folder)}")
    return outcome


def _changed_card(draw, content):
    """A pack with another card, or another list of slices."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    about = header["__metadata__"]
    name = some(draw, ("card", "slices", "slices"))
    about[name] = json.dumps(changed_tree(draw, json.loads(about[name])))
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + content[8 + length :]


@functools.cache
def _result_text():
    """The file of a result of reproduce."""
    matrix = matrix_text.from_json(_text())
    plain = {
        "piece": EXPERIMENT.facts,
        "tasks": list(matrix.tasks),
        "slices": list(matrix.slices),
        "values": matrix.values,
        "stored": {"labels": 100, "maps": 10},
        "full": 400,
        "seconds": 7,
        "images": dict.fromkeys(TASKS, "drawn"),
        "beside": {
            "n": dict.fromkeys(TASKS, 3),
            "split": ["test"],
            "extractors": {"FID-768": "eyes (bb)"},
            "notes": [],
            "versions": {"pgtf": "0"},
        },
    }
    return json.dumps({**plain, "sha256": _sha256(json.loads(json.dumps(plain)))})


def _hash(plain):
    plain = copy.deepcopy(plain)
    return {**plain, "sha256": _sha256(plain)}


def _result(case):
    """A result counts as it was written, or is a hole with a reason; a liar's gives numbers or none."""
    text = _edited(case.draw, _result_text(), _hash)
    results = Results(case.path("results"))
    files.write(results.path(EXPERIMENT), text.encode(errors="replace"))
    hole, found = results.problem(EXPERIMENT), results.read(EXPERIMENT)
    if bool(hole) != (found is None):
        raise Finding(f"A result counts, or is a hole with a reason. Received: {hole!r}")
    if found is None:
        return "result refused"
    if _is_edited(text, _result_text(), "sha256"):
        raise Finding(f"A figure that was edited does not count. Received: {text}")
    figures = [distance(found), later_distance(found), later_share(found), found.figure("Acc"), found.forgetting("FID")]
    figures += [found.identity_baseline(task) for task in found.matrix.tasks]
    if not all(figure is None or math.isfinite(figure) for figure in figures):
        raise Finding(f"A figure is finite, or none. Received: {figures}")
    return "result read"
