"""Stored size of each task, computed from shapes before anything is built or trained."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from pgtf.layers.factory import LayerFactory
from pgtf.methods import Bank, BankTask, Full, Method
from pgtf.networks import Architecture
from pgtf.recipes.base import Spec
from pgtf.recipes.precisions import BITS, LOW_BITS
from pgtf.storage.quantization import precision_of, stored_bytes

KINDS = ("kernels", "biases", "norms")
COLUMNS, WARNINGS = 8, 20  # That a plan shows: of more tasks, the first ones and the last.


@dataclasses.dataclass(frozen=True)
class Cost:
    """Stored size of one layer of one task, in values and bits, and that of a full network.

    kept: Whether some task still uses it after all tasks are learned. at_most: Whether some of it is entropy-coded;
    then bits are the most that it takes.
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


class ParameterCounter(LayerFactory):
    """A layer factory that builds no layers, but records what they would store.

    kernels: {path: {name: Spec}}. others: {path: {"biases" or "norms": values}}. met: the kernels in order, each as
    (layer's name, shape, whether it is task-specific, inputs, level).
    """

    def __init__(
        self,
        prefix: str,
        *,
        recipe: Any = None,
        head: Any = None,
        norm: str = "instance",
        upsampling: str = "transpose",
    ):
        super().__init__(prefix, recipe=recipe, head=head, norm=norm, upsampling=upsampling)
        self.values_per_norm = {"instance": 2, "batch": 4, "none": 0}[norm]
        self.kernels: dict[str, dict[str, Spec]] = {}
        self.others: dict[str, dict[str, int]] = {}
        self.met: list[tuple[str, tuple[int, ...], bool, int, int]] = []

    @property
    def bytes(self) -> int:
        """Bytes that the network would store."""
        kernels = sum(spec.bytes for specs in self.kernels.values() for spec in specs.values())
        return kernels + 4 * sum(sum(others.values()) for others in self.others.values())

    def conv(self, name, filters, kernel_size, *, task_specific=False, inputs=1, level=0, normed=False, **_):
        def layer(h):
            self.meet(name, (kernel_size, kernel_size, h.shape[-1], filters), task_specific, inputs, level)
            self.others[f"{self.prefix}/{name}"] = {"biases": filters} if self.has_bias(normed) else {}
            return keras.Input((None, None, filters))

        return layer

    def meet(self, name: str, shape: tuple[int, ...], task_specific: bool, inputs: int, level: int) -> None:
        """Records what a kernel of this shape stores."""
        self.met.append((name, shape, task_specific, inputs, level))
        self.kernels[f"{self.prefix}/{name}"] = self.recipe(name, task_specific, inputs, level).stored(shape)

    def up(self, name, filters, kernel_size, **settings):
        return self.conv(name, filters, self.up_size(kernel_size), **settings)

    def norm(self, name):
        def layer(h):
            if self.values_per_norm:
                self.others[f"{self.prefix}/{name}"] = {"norms": self.values_per_norm * h.shape[-1]}
            return h

        return layer

    def dropout(self, name, rate):
        return lambda h: h


@dataclasses.dataclass(frozen=True)
class PlannedTask:
    """A task that is not learned yet. kernels: {layer path: {name: Spec}} of what it will store."""

    kernels: Mapping[str, Mapping[str, Spec]]

    @functools.cached_property
    def values(self) -> dict[str, np.ndarray]:
        """{path: array} that stands for what it will store: the shape is right, and takes no memory."""
        return {
            path: np.broadcast_to(np.bool_() if spec.bits == 1 else np.float32(), spec.shape)
            for path, spec in self._specs
        }

    @functools.cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{path: shape} of the same."""
        return {path: spec.shape for path, spec in self._specs}

    @functools.cached_property
    def lent(self) -> frozenset[str]:
        """The paths of what it will lend."""
        return frozenset(path for path, spec in self._specs if spec.lent)

    @property
    def _specs(self) -> Iterator[tuple[str, Spec]]:
        return ((f"{path}/{name}", spec) for path, specs in self.kernels.items() for name, spec in specs.items())


class PlannedBank(Bank):
    """Tasks, planned or stored, whose networks are not built: to count what a network would store."""

    def __init__(self, tasks: Mapping[str, BankTask]):
        self._tasks, self.names = tasks, list(tasks)

    def __getitem__(self, name: str) -> BankTask:
        return self._tasks[name]

    def only(self, names: Sequence[str]) -> "PlannedBank":
        """Returns the bank of just these tasks."""
        return PlannedBank({name: self[name] for name in names})

    def network(self, name: str, prefix: str) -> None:
        """Returns None: a network may hold all those before it, and shapes say what is stored."""


def count_parameters(architecture: Architecture, method: Method, prefix: str, bank: Bank) -> ParameterCounter:
    """Counts what one generator would store."""
    count = ParameterCounter(
        prefix,
        recipe=lambda place: method.recipe(place, bank),
        head=lambda place: method.head(place, bank),
        norm=architecture.norm,
        upsampling=architecture.upsampling,
    )
    if type(method).maker is Method.maker:  # Then all tasks have the layers of a network of free kernels.
        free = _free(architecture, prefix, method.width(architecture.width))
        for layer in free.met:
            count.meet(*layer)
        count.others = free.others
        return count
    image = keras.Input(architecture.input)
    architecture(image, method.maker(count, image, bank), method.width(architecture.width))
    return count


def task_specific_layers(architecture: Architecture, prefix: str) -> list[str]:
    """Returns the paths of a network's task-specific layers with kernels."""
    met = _free(architecture, prefix, architecture.width).met
    return [f"{prefix}/{name}" for name, _, task_specific, *_ in met if task_specific]


@functools.lru_cache(maxsize=32)
def _free(architecture: Architecture, prefix: str, width: int) -> ParameterCounter:
    """Counts the parameters of a network of full kernels. Cached, because it takes a quarter of a second."""
    count = ParameterCounter(prefix, norm=architecture.norm, upsampling=architecture.upsampling)
    architecture(keras.Input(architecture.input), count, width)
    return count


def plan(
    names: Sequence[str],
    architecture: Architecture,
    method: Method,
    prefixes: Iterable[str],
    precisions: Mapping[str, str] = MappingProxyType({}),
    outputs: Mapping[str, int] = MappingProxyType({}),
) -> list[Cost]:
    """Computes a Cost for each task and layer.

    Args:
      names: The tasks, in order.
      architecture: The run's.
      method: How their kernels are made.
      prefixes: Names of the networks of a task.
      precisions: {task: precision of its slice}. Default: float32.
      outputs: {task: number of outputs} of tasks with another number than the architecture's.
    """
    own = tuple(sorted(precisions.items())), tuple(sorted(outputs.items()))
    return list(_plan(tuple(names), architecture, method, tuple(prefixes), *own))


@functools.lru_cache(maxsize=16)  # A run asks for the same one at its door, at its end and in its report.
def _plan(
    names: tuple[str, ...],
    architecture: Architecture,
    method: Method,
    prefixes: tuple[str, ...],
    precisions: tuple[tuple[str, str], ...],
    outputs: tuple[tuple[str, int], ...],
) -> tuple[Cost, ...]:
    precision_of = dict(precisions).get
    shapes = {name: dataclasses.replace(architecture, outputs=count) for name, count in outputs}
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
            full = _full(shape, prefix)
            key = prefix, shape.outputs, *(alike[lender] for lender in borrowed)
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


@functools.lru_cache(maxsize=16)
def _full(architecture: Architecture, prefix: str) -> dict[str, int]:
    """Returns {path: number of values} of a network of full kernels."""
    count = count_parameters(architecture, Full(), prefix, PlannedBank({}))
    kernels = {path: sum(spec.values for spec in specs.values()) for path, specs in count.kernels.items()}
    return {path: kernels.get(path, 0) + sum(others.values()) for path, others in count.others.items()}


def full_values(architecture: Architecture, prefixes: Iterable[str]) -> int:
    """Returns the number of values of a task with full kernels."""
    return sum(sum(_full(architecture, prefix).values()) for prefix in prefixes)


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


def table(tasks: list[dict], total: dict) -> str:
    """Formats rows of `summary` as a table."""
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
    """Lists the layers for which a task stores more than a full network."""
    return [cost for cost in found if cost.bits > 32 * cost.full_values > 0]


def warning(
    names: Sequence[str],
    architecture: Architecture,
    method: Method,
    prefixes: Iterable[str],
    outputs: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """Names the later tasks that store no less than a full network, in one precision; empty if there are none.

    A method whose every task has a network of its own says so itself.
    """
    if type(method).recipe is Method.recipe:
        return ""
    later = summary(plan(names, architecture, method, prefixes, outputs=outputs))["tasks"][1:]
    large = [row for row in later if row["share"] >= 1]
    if not large:
        return ""
    named = ", ".join(row["name"] for row in large[:COLUMNS]) + (", …" if len(large) > COLUMNS else "")
    return (
        f"{len(large)} of {len(later)} later tasks store no less than a full network, up to "
        f"{max(row['share'] for row in large):.0%} of it: {named}. Share more, or use --method=full"
    )


def report(found: list[Cost], note: str = "") -> str:
    """Formats the whole plan: layers, tasks, and layers that cost more than they save. note: The plan's conditions."""
    facts = summary(found)
    names = [task["name"] for task in facts["tasks"]]
    names = names if len(names) <= COLUMNS else [*names[: COLUMNS - 1], names[-1]]
    rows: dict[str, dict[str, Cost]] = {}
    for cost in found:
        rows.setdefault(cost.path, {})[cost.task] = cost
    lines = [f"{'layer':<24}{'full':>12}" + "".join(f"{name[:14]:>16}" for name in names)]
    for path, costs in rows.items():
        full = max(cost.full_values for cost in costs.values())
        values = "".join(f"{costs[name].values if name in costs else 0:>16,}" for name in names)
        lines.append(f"{path:<24}{full:>12,}{values}")
    lines += ["", table(facts["tasks"], facts["total"]), "", *([note] if note else [])]
    if any(cost.at_most for cost in found):
        lines.append("Low-bit kernels are entropy-coded: the plan has the most bytes that they can take.")
    too_costly = costly(found)
    for cost in too_costly[:WARNINGS]:
        lines.append(
            f"warning: {cost.path} costs {cost.task} {cost.values:,} values, more than the full layer's "
            f"{cost.full_values:,}: the bank has more filters than a filter here has weights"
        )
    if too_costly[WARNINGS:]:
        lines.append(f"and {len(too_costly) - WARNINGS:,} more such warnings; --auto_free frees such layers")
    return "\n".join(lines)
