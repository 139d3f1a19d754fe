"""Lists a run's tasks. Reads only the JSON files and needs no TensorFlow."""

import dataclasses
import os
from collections.abc import Iterable
from typing import Any, Optional

from pgtf.assembly.parameters import full_values
from pgtf.foundation import task_names
from pgtf.foundation.settings import name_in
from pgtf.methods import METHODS, WeightOwnership
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank, none_learned, numbered
from pgtf.storage.task_slice import TaskSlice


def rows(run_dir: str) -> list[dict[str, Any]]:
    """Lists the facts of each learned task as data for JSON. Reads only the JSON files."""
    bank = FilterBank.open(os.path.join(run_dir, run_paths.TASKS))
    if not len(bank):
        raise none_learned(run_dir)
    return [_row(bank, index) for index in range(len(bank))]


def _row(bank: FilterBank, index: int) -> dict[str, Any]:
    task_slice = bank.slice(index)
    facts, place = task_slice.facts, bank.place(index, task_slice.name)
    return {
        "task": task_slice.name,
        "method": name_in(METHODS, facts.method),
        "values": task_slice.size,
        "share": task_slice.stored_bytes / (4 * (facts.full_values or _counted(task_slice))),
        "bytes": _on_disk(place),
        "learnt": facts.learnt,
        "data": facts.data,
        "pictures": facts.shown_split,
        "compressed": facts.compressed,
        "direction": facts.ways,
        "steps": facts.steps,
        "weights": dataclasses.asdict(facts.shares) if facts.shares else None,
        "borrows": [borrowed.task for borrowed in task_slice.borrows],
    }


def _on_disk(place: str) -> Optional[int]:
    """Returns the bytes of a slice's files; None if one is missing."""
    try:
        return sum(os.path.getsize(os.path.join(place, name)) for name in (run_paths.TENSORS, run_paths.SLICE))
    except FileNotFoundError:
        return None


def _counted(task_slice: TaskSlice) -> int:
    """Returns the number of values of a full network, for slices of format 1, which do not record it."""
    task_slice.check_extent()
    facts = task_slice.facts
    return full_values(facts.architecture, facts.generators)


def row_lines(found: list[dict[str, Any]]) -> Iterable[str]:
    """Formats rows as a table, with the owner of the weights if tasks share them."""
    shared = (
        [field.name for field in dataclasses.fields(WeightOwnership)] if any(row["weights"] for row in found) else []
    )
    longest = max([12] + [len(row["task"]) for row in found]) + 2
    yield (
        f"{'task':<{longest}}{'method':<12}{'values':>13}{'of full':>9}{'MB on disk':>12}"
        f"{''.join(f'{name:>8}' for name in shared)}  {'learned':<17}{'direction':<11}data"
    )
    for row in found:
        shares = "".join(f"{row['weights'][name] if row['weights'] else 0:>8.1%}" for name in shared)
        data = row["data"] + ("" if row["pictures"] == "test" else f" (pictures are of {row['pictures']} images)")
        data += f" (compressed {row['compressed']})" if row["compressed"] else ""
        size = "-" if row["bytes"] is None else f"{row['bytes'] / 1e6:.2f}"
        yield task_names.escaped(
            f"{row['task']:<{longest}}{row['method']:<12}{row['values']:>13,}{row['share']:>9.1%}"
            f"{size:>12}{shares}  {row['learnt'][:16].replace('T', ' '):<17}{row['direction']:<11}{data}"
        )


def unfinished(run_dir: str) -> list[str]:
    """Lists the names of task folders that hold no slice yet."""
    folder = os.path.join(run_dir, run_paths.TASKS)
    return [
        name
        for _, name in numbered(folder)
        if os.path.isdir(os.path.join(folder, name))
        and not any(os.path.exists(os.path.join(folder, name, file)) for file in (run_paths.SLICE, run_paths.DROPPED))
    ]
