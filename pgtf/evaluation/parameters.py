"""How much each task stores: from shapes alone, before anything is built or learnt."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from pgtf.layers.maker import Maker
from pgtf.methods import Full, Lent, Method
from pgtf.networks import Architecture
from pgtf.recipes.base import Spec

KINDS = ("kernels", "biases", "norms")


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one task stores of one layer, in values and bits, and what a full network would.

    kept: whether it plays a task still when all of them are learnt.
    """

    task: str
    path: str
    kernels: int
    biases: int
    norms: int
    bits: int
    full_values: int
    kept: bool = True

    @property
    def values(self) -> int:
        """How many are stored."""
        return self.kernels + self.biases + self.norms


class Census(Maker):
    """A maker that makes nothing: it notes what a network's layers would store.

    kernels: {path: {name: Spec}}. others: {path: {"biases" or "norms": values}}.
    """

    def __init__(self, prefix: str, *, recipe: Any = None, norm: str = "instance", upsampling: str = "transpose"):
        super().__init__(prefix, recipe=recipe, norm=norm, upsampling=upsampling)
        self.values_per_norm = {"instance": 2, "batch": 4}[norm]
        self.kernels: dict[str, dict[str, Spec]] = {}
        self.others: dict[str, dict[str, int]] = {}

    @property
    def bytes(self) -> int:
        """What the network would store."""
        kernels = sum(spec.bytes for specs in self.kernels.values() for spec in specs.values())
        return kernels + 4 * sum(sum(others.values()) for others in self.others.values())

    def conv(self, name, filters, kernel_size, *, strides=1, padding="same", task_specific=False):
        def layer(h):
            shape = (kernel_size, kernel_size, h.shape[-1], filters)
            self.kernels[f"{self.prefix}/{name}"] = self.recipe(name, task_specific).specs(shape)
            self.others[f"{self.prefix}/{name}"] = {"biases": filters}
            return keras.Input((None, None, filters))

        return layer

    def up(self, name, filters, kernel_size, *, task_specific=False):
        return self.conv(name, filters, self.up_size(kernel_size), task_specific=task_specific)

    def norm(self, name):
        def layer(h):
            self.others[f"{self.prefix}/{name}"] = {"norms": self.values_per_norm * h.shape[-1]}
            return h

        return layer

    def dropout(self, name, rate):
        return lambda h: h


class _PlannedBank:
    """A bank of which only shapes are known: {task: {path: Spec}}."""

    def __init__(self, tasks: dict[str, dict[str, Spec]]):
        self.tasks, self.names = tasks, list(tasks)

    def lent(self, *paths: str) -> Lent:
        parts = []
        for path in paths:
            for name, stored in self.tasks.items():
                if path in stored:
                    # A shape that takes no memory.
                    parts.append((name, path, np.broadcast_to(np.float32(0), stored[path].shape)))
        return Lent(tuple(parts))

    def lends(self, name: str) -> dict[str, tuple[int, ...]]:
        return {path: spec.shape for path, spec in self.tasks[name].items()}

    def values(self, name: str) -> dict:
        """Nothing is learnt yet."""
        return {}


class _Unbuilt:
    """A bank that builds no network: shapes say what is stored, and a network may hold all that were before it."""

    def __init__(self, bank: Any):
        self._bank = bank

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bank, name)

    def network(self, name: str, prefix: str) -> None:
        """None, as where a task is only planned."""


def census(architecture: Architecture, method: Method, prefix: str, bank: Any) -> Census:
    """What one generator would store."""
    bank = _Unbuilt(bank)
    count = Census(
        prefix,
        recipe=lambda place: method.recipe(place, bank),
        norm=architecture.norm,
        upsampling=architecture.upsampling,
    )
    image = keras.Input((None, None, 3))
    architecture(image, method.maker(count, image, bank), method.width(architecture.width))
    return count


def plan(names: Sequence[str], architecture: Architecture, method: Method, prefixes: Sequence[str]) -> list[Cost]:
    """A Cost for each task and layer of a sequence."""
    return list(_plan(tuple(names), architecture, method, tuple(prefixes)))


@functools.lru_cache(maxsize=16)  # A run asks for the same one at its door, at its end and in its report.
def _plan(
    names: tuple[str, ...], architecture: Architecture, method: Method, prefixes: tuple[str, ...]
) -> tuple[Cost, ...]:
    full = {path: values for prefix in prefixes for path, values in _full(architecture, prefix).items()}
    lent: dict[str, dict[str, Spec]] = {}
    found = []
    kept = _kept(names, method)
    for index, name in enumerate(names):
        borrowed = method.borrows(list(names[:index]))
        bank = _PlannedBank({lender: lent[lender] for lender in borrowed})
        lent[name] = {}
        for prefix in prefixes:
            count = census(architecture, method, prefix, bank)
            for path, others in count.others.items():
                specs = count.kernels.get(path, {})
                lent[name].update((path, spec) for spec in specs.values() if spec.lent)
                found.append(_cost(name, path, specs, others, full.get(path, 0), name in kept))
    return tuple(found)


def _kept(names: Sequence[str], method: Method) -> set[str]:
    """The tasks whose slices play some task when all are learnt, and those that they borrow from."""
    last = len(names) - 1
    kept = set()
    for index in {method.network_at(task, last) for task in range(len(names))}:
        kept |= {names[index], *method.borrows(list(names[:index]))}
    return kept


def _cost(task: str, path: str, specs: dict[str, Spec], others: dict[str, int], full_values: int, kept: bool) -> Cost:
    bits = 8 * sum(spec.bytes for spec in specs.values()) + 32 * sum(others.values())
    kernels = sum(spec.values for spec in specs.values())
    return Cost(task, path, kernels, others.get("biases", 0), others.get("norms", 0), bits, full_values, kept)


@functools.lru_cache(maxsize=16)
def _full(architecture: Architecture, prefix: str) -> dict[str, int]:
    """{path: values} of a network of free kernels."""
    count = census(architecture, Full(), prefix, None)
    kernels = {path: sum(spec.values for spec in specs.values()) for path, specs in count.kernels.items()}
    return {path: kernels.get(path, 0) + sum(others.values()) for path, others in count.others.items()}


def full_values(architecture: Architecture, prefixes: Sequence[str]) -> int:
    """How many values a task stores with every kernel free."""
    return sum(sum(_full(architecture, prefix).values()) for prefix in prefixes)


def summary(found: list[Cost]) -> dict[str, Any]:
    """The plan as plain data: tasks, total, layers; the total leaves out what later tasks replace."""
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


def table(tasks: list[dict], total: dict) -> str:
    """Rows of `summary` for people."""
    head = (
        f"{'task':<16}{'kernels':>13}{'biases':>9}{'norms':>9}{'values':>13}{'full network':>14}{'share':>8}{'MB':>9}"
    )
    lines = [head]
    for row in [*tasks, total]:
        lines.append(
            f"{row['name']:<16}{row['kernels']:>13,}{row['biases']:>9,}{row['norms']:>9,}{row['values']:>13,}"
            f"{row['full_values']:>14,}{row['share']:>8.1%}{row['bytes'] / 1e6:>9.2f}"
        )
    return "\n".join(lines)


def costly(found: list[Cost]) -> list[Cost]:
    """The layers of a full network of which a task stores more."""
    return [cost for cost in found if cost.bits > 32 * cost.full_values > 0]


def report(found: list[Cost]) -> str:
    """The whole plan for people: layers, tasks, and where the method costs more than it saves."""
    facts = summary(found)
    names = [task["name"] for task in facts["tasks"]]
    rows: dict[str, dict[str, Cost]] = {}
    for cost in found:
        rows.setdefault(cost.path, {})[cost.task] = cost
    lines = [f"{'layer':<24}{'full':>12}" + "".join(f"{name[:14]:>16}" for name in names)]
    for path, costs in rows.items():
        full = max(cost.full_values for cost in costs.values())
        values = "".join(f"{costs[name].values if name in costs else 0:>16,}" for name in names)
        lines.append(f"{path:<24}{full:>12,}{values}")
    lines += ["", table(facts["tasks"], facts["total"]), ""]
    for cost in costly(found):
        lines.append(
            f"warning: {cost.path} costs {cost.task} {cost.values:,} values, more than the full layer's "
            f"{cost.full_values:,}: the bank has more filters than a filter here has weights"
        )
    return "\n".join(lines)
