"""What methods share whose tasks own weights of the same kernels: what one releases, the next ones learn."""

import dataclasses
from collections import Counter
from typing import Any

from pgtf import layers, recipes
from pgtf.methods.base import Method, Shares


@dataclasses.dataclass(frozen=True)
class Packing(Method):
    """Every task learns in the kernels of all tasks, and leaves as it is what an earlier one owns."""

    def borrows(self, learnt):
        return learnt

    def begin(self, networks, bank):
        if bank.names:  # Norms, biases and task-specific layers are each task's own.
            for network in networks.values():
                kernels = {f"{path}/{name}" for path, recipe in packed(network).items() for name in recipe.own()}
                values = bank.values(bank.names[-1])
                layers.begin_as(network, {path: values[path] for path in values if path not in kernels})

    def check(self, kernels):
        if not any(specs["owned"].values for specs in kernels.values() if "owned" in specs):
            raise ValueError(
                "A task learns weights that no earlier one owns; a larger --prune_ratio or --width leaves some (in a "
                "new --run_dir), as does --method=cpg, which grows. Received: a network whose weights are all owned"
            )

    def shares(self, networks):
        total: Counter[str] = Counter()
        for network in networks.values():
            for recipe in packed(network).values():
                total.update(recipe.counts())
        weights = total.pop("weights")
        return Shares(**{name: count / weights for name, count in total.items()})


def packed(network: Any) -> dict[str, Any]:
    """{path: recipe} of a network's kernels that tasks share."""
    return {path: kernel for path, kernel in layers.made_kernels(network).items() if isinstance(kernel, recipes.Packed)}
