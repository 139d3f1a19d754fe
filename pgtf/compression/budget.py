"""Converts a compression budget to bytes, and plans the stored size of a compressed task before it is learned."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pgtf.assembly.accounting import Cost, plan
from pgtf.methods import Layered
from pgtf.networks import Architecture

# Stored in the same way whatever is chosen.
COMMON = "head:free:int8,norms:free:float16,biases:free:float16"
FROZEN = Layered(f"inner:frozen,{COMMON}")
CHOSEN = "chosen kernels"  # Path of the plan's row for what the choice may store.


def in_bytes(budget: float, full_values: int) -> int:
    """Returns a budget in bytes. budget: A number of bytes; or, if at most 1, a fraction of a full network's."""
    return int(budget * 4 * full_values if budget <= 1 else budget)


def planned_costs(
    first: str,
    name: str,
    architecture: Architecture,
    prefixes: Iterable[str],
    budget: float,
    channels: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> list[Cost]:
    """Plans what a compressed task stores: heads, norms and biases, and at most the rest of the budget for kernels.

    Args:
      first: Name of the run's first task.
      name: Name of the task.
      architecture: The run's.
      prefixes: Names of the networks of a task.
      budget: The budget; see `in_bytes`.
      channels: {task: (inputs, outputs)} of tasks with other numbers than the architecture's.

    Raises:
      ValueError: If the budget does not hold heads, norms and biases.
    """
    both = {task: channels[task] for task in (first, name) if task in channels}
    found = [cost for cost in plan((first, name), architecture, FROZEN, prefixes, channels=both) if cost.task == name]
    fixed = sum(cost.bits for cost in found) // 8
    most = in_bytes(budget, sum(cost.full_values for cost in found))
    if most < fixed:
        raise ValueError(
            f"The budget must hold what every compressed task stores (heads, norms, biases), {fixed:,} bytes. "
            f"Received: {most:,} bytes for {name}"
        )
    return [*found, Cost(name, CHOSEN, 0, 0, 0, 8 * (most - fixed), 0, at_most=True)]
