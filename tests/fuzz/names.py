"""Names with characters that can't be seen, facts that hold them, and values that are not finite or too large."""

from __future__ import annotations

import dataclasses
import unicodedata

import numpy as np

from pgtf.foundation import task_names
from pgtf.runs.describe import described
from pgtf.runs.listing import row_lines, rows
from pgtf.runs.verify import Verdict, conclusion
from pgtf.storage.bank import FilterBank
from pgtf.storage.task_slice import BankError, renamed
from pgtf.storage.values import LARGEST_IN_KERNELS, LARGEST_IN_VECTORS, HeldValues
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import TEXTS, some
from tests.fuzz.slices import read_json, write_json
from tests.storage.made_slices import FACTS, a_slice

UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs")
CHARACTERS = "aB7 .-/é日🎨\0\t\n\r\x1b\x7f\x85\u200b\u200d\u2028\u2029\u202e\u2066\ufeff\ud800\U000e0041"
VALUES = (0.0, 1.0, 65504.0, 65505.0, 1e19, 1e30, float("nan"), float("inf"), -float("inf"), -1e5)
TEXT_FACTS = ("data", "learnt", "direction", "learnt_as", "probes_split")


def attack(case: Case) -> str:
    """Does one of three attacks."""
    return some(case.draw, (_name, _facts, _values))(case)


def _text(draw):
    if draw.random() < 0.2:
        return some(draw, TEXTS)
    return "".join(some(draw, CHARACTERS) for _ in range(some(draw, (1, 2, 3, 8, 50))))


def _slice(index=0, **changes):
    facts = dataclasses.replace(FACTS, full_values=1000)  # Else a network is built to count them.
    return dataclasses.replace(a_slice(index), **{"borrows": (), "facts": facts, **changes})


def _check_printed(text):
    """No text for a terminal has a character that can't be seen."""
    unseen = {character for character in text if character != "\n" and unicodedata.category(character) in UNSEEN}
    if unseen:
        raise Finding(f"What is printed can be seen. Received: {unseen} in {text!r}")


def _name(case):
    """A name is refused everywhere, or its slice is written, listed and renamed."""
    name, folder = _text(case.draw), case.path("tasks")
    unseen = any(unicodedata.category(character) in UNSEEN for character in name)
    if task_names.is_name(name) and (unseen or "/" in name or name in (".", "..")):
        raise Finding(f"A name of a task can be seen, and names a folder. Received: {name!r}")
    _check_printed(str(Verdict(f"01-{name}", False)) + conclusion([Verdict(f"01-{name}", False, problem=name)]))
    try:
        FilterBank(folder=folder).append(_slice(name=name))
    except BankError:
        if task_names.is_name(name):
            raise
        return "refused"
    bank = FilterBank.open(folder)
    if bank.names != [name] or bank.slice(0).name != name:
        raise Finding(f"A task keeps its name. Received: {bank.names} of {name!r}")
    with open(f"{bank.place(0, name)}/slice.json", "rb") as file:
        content = file.read()
    other = _text(case.draw)
    try:
        renamed(content, other)
    except BankError:
        if task_names.is_name(other):
            raise
    _check_printed("\n".join(row_lines(rows(case.folder))))
    return "named"


def _facts(case):
    """Facts that are texts are printed with escapes, or refused."""
    draw = case.draw
    bank = FilterBank(folder=case.path("tasks"))
    bank.append(_slice())
    place = bank.place(0, "labels")
    description = read_json(place)
    for _ in range(int(draw.integers(1, 3))):
        description["facts"][some(draw, TEXT_FACTS)] = _text(draw)
    if draw.random() < 0.3:
        description["name"] = _text(draw)
    write_json(place, description)
    try:
        found = rows(case.folder)
        described(FilterBank.open(case.path("tasks")).slice(0))
    except ValueError as error:
        if "Received" not in str(error):
            raise Finding(f"An error says what was received. Received: {error!r}") from error
        return "facts refused"
    _check_printed("\n".join(row_lines(found)))
    return "facts listed"


def _values(case):
    """Values that overflow are refused when they are read, others come back as they are."""
    draw = case.draw
    values = {path: np.array(value) for path, value in a_slice(0).values.items()}
    path = some(draw, sorted(values))
    if values[path].dtype.kind == "f":
        values[path].reshape(-1)[int(draw.integers(values[path].size))] = some(draw, VALUES)
    precision = some(draw, ("float32", "float32", "float16", "int8", "int4", "int2"))
    try:
        with np.errstate(all="ignore"):
            held = HeldValues(values, precision)
    except ValueError as error:  # float16 holds no more than kernels may have.
        if _fits(values) or "Received" not in str(error):
            raise Finding(f"Values that are small are rounded. Received: {error!r}") from error
        return "values refused"
    bank = FilterBank(folder=case.path("tasks"))
    bank.append(_slice(values=held))
    stored = FilterBank.open(case.path("tasks")).slice(0)
    try:
        with np.errstate(all="ignore"):
            stored.check()
    except BankError as error:
        if _fits(values):
            raise Finding(f"Values that are small are kept. Received: {error}") from error
        return "values refused"
    for name in stored.values:
        value = stored.values[name]
        if not _fits({name: value}) or (precision == "float32" and not np.array_equal(value, values[name])):
            raise Finding(f"Values are finite and as they were. Received: {name} of {precision}")
    return "values kept"


def _fits(values):
    return all(
        np.isfinite(value).all()
        and np.abs(value).max() <= (LARGEST_IN_KERNELS if value.ndim > 1 else LARGEST_IN_VECTORS)
        for value in values.values()
        if value.dtype.kind == "f"
    )
