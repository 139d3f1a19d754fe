"""Stored size of each task, computed from shapes before anything is built or trained."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pgtf.assembly.parameters import ParameterCounter, PlannedBank, PlannedTask, count_parameters, values_by_layer
from pgtf.methods import Method
from pgtf.networks import Architecture
from pgtf.recipes.precisions import BITS, LOW_BITS
from pgtf.recipes.specs import Spec
from pgtf.storage.quantization import precision_of, stored_bytes

KINDS = ("kernels", "biases", "norms")


@dataclasses.dataclass(frozen=True)
class Cost:
    """Stored size of one layer of one task, in values and bits, and that of a full network.

    Attributes:
      kept: Whether some task still uses it after all tasks are learned.
      at_most: Whether some of it is entropy-coded. The bits are then an upper bound.
    """

    task: str
    path: str
    kernels: int
    biases: int
    norms: int
    bits: int
    full_values: int
    kept: bool = True
    at_most: bool = False

    @property
    def values(self) -> int:
        """Number of stored values."""
        return self.kernels + self.biases + self.norms


def plan(
    names: Sequence[str],
    architecture: Architecture,
    method: Method,
    prefixes: Iterable[str],
    precisions: Mapping[str, str] = MappingProxyType({}),
    channels: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> list[Cost]:
    """Computes a Cost for each task and layer.

    Args:
      names: The tasks, in order.
      architecture: The run's.
      method: How their kernels are made.
      prefixes: Names of the networks of a task.
      precisions: {task: precision of its slice}. Default: float32.
      channels: {task: (inputs, outputs)} of tasks with other numbers than the architecture's.
    """
    own = tuple(sorted(precisions.items())), tuple(sorted(channels.items()))
    return list(_plan(tuple(names), architecture, method, tuple(prefixes), *own))


@functools.lru_cache(maxsize=16)  # A run asks for the same one at its door, at its end and in its report.
def _plan(
    names: tuple[str, ...],
    architecture: Architecture,
    method: Method,
    prefixes: tuple[str, ...],
    precisions: tuple[tuple[str, str], ...],
    channels: tuple[tuple[str, tuple[int, int]], ...],
) -> tuple[Cost, ...]:
    precision_of = dict(precisions).get
    shapes = {name: architecture.with_channels(*both) for name, both in channels}
    stored: dict[str, PlannedTask] = {}
    alike: dict[str, int] = {}  # {task: the number of the first one that stores the same}
    counts: dict[Any, ParameterCounter] = {}  # What tasks store that borrow from tasks alike is counted once.
    found = []
    kept = _kept(names, method)
    for index, name in enumerate(names):
        borrowed = method.borrows(list(names[:index]))
        bank = PlannedBank({lender: stored[lender] for lender in borrowed})
        kernels: dict[str, dict[str, Spec]] = {}
        vectors = {kind: method.vector_precision(kind, bank) for kind in ("biases", "norms")}
        shape = shapes.get(name, architecture)
        for prefix in prefixes:
            full = values_by_layer(shape, prefix)
            key = prefix, shape.inputs, shape.outputs, *(alike[lender] for lender in borrowed)
            if key not in counts:
                counts[key] = count_parameters(shape, method, prefix, bank)
            count = counts[key]
            for path, others in count.others.items():
                specs = count.kernels.get(path, {})
                sums = _stored(specs, others, precision_of(name, "float32"), vectors)
                found.append(Cost(name, path, **sums, full_values=full.get(path, 0), kept=name in kept))
            kernels.update(count.kernels)
        stored[name] = PlannedTask(kernels)
        alike[name] = list(stored.values()).index(stored[name])
        if len(method.candidate_widths(architecture.width, architecture.width)) == 1:
            method.check(kernels)
    return tuple(found)


def _kept(names: Sequence[str], method: Method) -> set[str]:
    """Returns the tasks whose slices are in use after all tasks are learned, and those that they borrow from."""
    last = len(names) - 1
    kept = set()
    for index in {method.network_for(task, last) for task in range(len(names))}:
        kept |= {names[index], *method.borrows(list(names[:index]))}
    return kept


def _stored(
    specs: dict[str, Spec], others: dict[str, int], precision: str, vectors: Mapping[str, str]
) -> dict[str, Any]:
    """Returns the values and bits of a `Cost`."""
    found = [precision_of(spec.shape, spec.bits, precision, spec.precision) for spec in specs.values()]
    kernel_bytes = sum(stored_bytes(spec.shape, spec.bits, precision, spec.precision) for spec in specs.values())
    return {
        "kernels": sum(spec.values for spec in specs.values()),
        "biases": others.get("biases", 0),
        "norms": others.get("norms", 0),
        "at_most": any(one in LOW_BITS for one in found),
        "bits": 8 * kernel_bytes + sum(BITS[vectors[kind]] * values for kind, values in others.items()),
    }


def summary(found: list[Cost]) -> dict[str, Any]:
    """Returns the plan as data for JSON: tasks, total, layers. The total omits what later tasks replace."""
    by_task: dict[str, list[Cost]] = {}
    for cost in found:
        by_task.setdefault(cost.task, []).append(cost)
    layers = [{**dataclasses.asdict(cost), "values": cost.values} for cost in found]
    total = _row("all", [cost for cost in found if cost.kept], found)
    return {"tasks": [_row(name, costs, costs) for name, costs in by_task.items()], "total": total, "layers": layers}


def _row(name: str, stored: list[Cost], compared: list[Cost]) -> dict[str, Any]:
    sums = {kind: sum(getattr(cost, kind) for cost in stored) for kind in (*KINDS, "values", "bits")}
    full = sum(cost.full_values for cost in compared)
    return {"name": name, **sums, "full_values": full, "bytes": sums["bits"] / 8, "share": sums["bits"] / (32 * full)}
