"""How many values each task stores: from shapes alone, before anything is built or learnt."""

import dataclasses
import math

import keras
import numpy as np

from pgtf.methods import METHODS, Choice


@dataclasses.dataclass(frozen=True)
class Layer:
    """What a network holds at one path: a kernel, if any, and how many other values (bias, norm)."""

    prefix: str
    name: str
    kernel: tuple = None
    task_specific: bool = False
    others: int = 0


class Census:
    """A maker that makes nothing: it notes which layers a network would have."""

    def __init__(self, prefix, norm):
        self.prefix, self.values_per_norm = prefix, {"instance": 2, "batch": 4}[norm]
        self.layers = []

    def conv(self, name, filters, kernel_size, *, strides=1, padding="same", task_specific=False):
        def layer(h):
            kernel = (kernel_size, kernel_size, h.shape[-1], filters)
            self.layers.append(Layer(self.prefix, name, kernel, task_specific, others=filters))
            return keras.Input((None, None, filters))

        return layer

    def up(self, name, filters, kernel_size, *, task_specific=False):
        return self.conv(name, filters, kernel_size, task_specific=task_specific)

    def norm(self, name):
        def layer(h):
            self.layers.append(Layer(self.prefix, name, others=self.values_per_norm * h.shape[-1]))
            return h

        return layer

    def dropout(self, name, rate):
        return lambda h: h


def census(architecture, filters, prefix):
    """The layers of a generator."""
    count = Census(prefix, architecture.norm)
    architecture(keras.Input((None, None, 3)), count, filters)
    return count.layers


@dataclasses.dataclass(frozen=True)
class Stored:
    """What one task stores of one layer, and what a full network would."""

    task: str
    path: str
    kernels: int
    biases: int
    norms: int
    full_values: int

    @property
    def values(self):
        return self.kernels + self.biases + self.norms


def plan(names, architecture, method, prefixes, *, borrows_from=None, **settings):
    """A Stored for each task and layer of a sequence."""
    row = METHODS[method]
    filters = max(1, round(row.width * architecture.filters))
    layers = [layer for prefix in prefixes for layer in census(architecture, filters, prefix)]
    full = [layer for prefix in prefixes for layer in census(architecture, architecture.filters, prefix)]
    bank = {}  # (prefix, name): filters so far
    found = []
    for name in names:
        grown = dict(bank)
        for layer, whole in zip(layers, full):
            kernels, biases, norms = 0, 0, layer.others
            if layer.kernel:
                sources = (layer.prefix,) if layer.task_specific else borrows_from or (layer.prefix,)
                held = sum(bank.get((source, layer.name), 0) for source in sources)
                shapes = _shapes(row, layer, held, settings)
                kernels, biases, norms = sum(math.prod(shape) for shape in shapes.values()), layer.others, 0
                key = (layer.prefix, layer.name)
                grown[key] = bank.get(key, 0) + shapes.get("unconstrained", (0,))[-1]
            full_values = whole.others + (math.prod(whole.kernel) if whole.kernel else 0)
            found.append(Stored(name, f"{layer.prefix}/{layer.name}", kernels, biases, norms, full_values))
        bank = grown
    return found


def _shapes(row, layer, held, settings):
    if layer.task_specific:
        return {"unconstrained": layer.kernel}
    borrowed = None
    if row.borrows and held:
        borrowed = np.broadcast_to(np.float32(0), (*layer.kernel[:3], held))  # A shape that takes no memory.
    return row.recipe(Choice("zeros", 0, borrowed, **settings)).shapes(layer.kernel)


def summary(found):
    """The plan as plain data: tasks, total, layers."""
    tasks = [
        _row(name, [stored for stored in found if stored.task == name])
        for name in dict.fromkeys(stored.task for stored in found)
    ]
    layers = [{**dataclasses.asdict(stored), "values": stored.values} for stored in found]
    return {"tasks": tasks, "total": _row("all", found), "layers": layers}


def _row(name, found):
    kinds = ("kernels", "biases", "norms", "values", "full_values")
    sums = {kind: sum(getattr(stored, kind) for stored in found) for kind in kinds}
    return {"name": name, **sums, "bytes": 4 * sums["values"], "share": sums["values"] / sums["full_values"]}


def table(tasks, total):
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


def costly(found):
    """The layers where a task stores more than a full network would."""
    return [stored for stored in found if stored.values > stored.full_values]


def report(found):
    """The whole plan for people: layers, tasks, and where the method costs more than it saves."""
    facts = summary(found)
    names = [task["name"] for task in facts["tasks"]]
    rows = {}
    for stored in found:
        rows.setdefault(stored.path, [stored.full_values]).append(stored.values)
    lines = [f"{'layer':<24}{'full':>12}" + "".join(f"{name[:14]:>16}" for name in names)]
    for path, (full, *values) in rows.items():
        lines.append(f"{path:<24}{full:>12,}" + "".join(f"{value:>16,}" for value in values))
    lines += ["", table(facts["tasks"], facts["total"]), ""]
    for stored in costly(found):
        lines.append(
            f"warning: {stored.path} costs {stored.task} {stored.values:,} values, more than the full layer's "
            f"{stored.full_values:,}: the bank has more filters than a filter here has weights"
        )
    return "\n".join(lines)
