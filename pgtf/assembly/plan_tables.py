"""The plan of a run as text: tables of layers and tasks, and warnings."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from pgtf.assembly.accounting import Cost, plan, summary
from pgtf.methods import Method
from pgtf.networks import Architecture

COLUMNS, WARNINGS = 8, 20  # That a plan shows: of more tasks, the first ones and the last.


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
    """Lists the layers for which a task stores more values than a full network."""
    return [cost for cost in found if cost.bits > 32 * cost.full_values > 0]


def warning(
    names: Sequence[str],
    architecture: Architecture,
    method: Method,
    prefixes: Iterable[str],
    channels: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> str:
    """Names the later tasks that store no less than a full network, in one precision; empty if there are none.

    No warning is given for methods that store a full network for each task.
    """
    if type(method).recipe is Method.recipe:
        return ""
    later = summary(plan(names, architecture, method, prefixes, channels=channels))["tasks"][1:]
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
        if cost.values or cost.full_values:  # What is chosen later has bytes, and no values yet.
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
