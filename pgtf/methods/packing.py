"""Packing: base class of methods whose tasks own different weights of the same kernels."""

import dataclasses
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from pgtf import layers, recipes
from pgtf.foundation.errors import CapacityError
from pgtf.foundation.settings import setting
from pgtf.layers.kernel_site import KernelSite
from pgtf.methods.bank import Bank
from pgtf.methods.base import Method, WeightOwnership

if TYPE_CHECKING:
    from pgtf.recipes.packed import Packed, Part


@dataclasses.dataclass(frozen=True)
class Packing(Method):
    """All tasks share their kernels. A task trains the weights that no earlier task owns, and releases some of them."""

    fixed_channels = True
    compressible = False

    retrain_share: float = setting(
        0.33, "Fraction of a task's steps that follow its first pruning; at least one step.", least=0, most=1
    )

    def borrows(self, learned):
        return learned

    def parts(self, site: KernelSite, bank: Bank) -> "list[Part]":
        """Returns (used, owned) of each earlier task, for one kernel."""
        return [tuple(bank[name].values[f"{site.path}/{part}"] for part in ("used", "owned")) for name in bank.names]

    def steps_after_pruning(self, steps: int) -> int:
        """Returns the number of steps after a task's first pruning."""
        return max(1, round(self.retrain_share * steps))

    def initialize(self, networks, bank):
        if bank.names:  # Copies norms, biases and task-specific layers, which each task then trains.
            for network in networks.values():
                kernels = {
                    f"{path}/{name}" for path, recipe in _packed(network).items() for name in recipe.task_variables()
                }
                values = bank[bank.names[-1]].values
                layers.copy_matching(network, {path: values[path] for path in values if path not in kernels})

    def take(self, networks, values):
        for network in networks.values():
            layers.copy_matching(network, values)
            for path, recipe in _packed(network).items():
                recipe.take(values[f"{path}/unconstrained"])
        self.release(networks)

    def release(self, networks: dict[str, Any]) -> None:
        """Prunes networks whose weights are from a file, so that later tasks have free weights; see `take`."""
        raise ValueError(
            "Only --method=packnet can prune weights from a file; others prune by a task's images. Give a run that "
            f"learned its first task with this method to --first_task_from. Received: {type(self).__name__}"
        )

    def check(self, kernels):
        if not any(specs["owned"].values for specs in kernels.values() if "owned" in specs):
            raise CapacityError(
                "A task needs weights that no earlier one owns. In a new --run_dir, prune more, use a larger --width, "
                "or use --method=cpg with a larger --most_grown. Received: a network whose weights are all owned"
            )

    def weight_ownership(self, networks, bank):
        total: Counter[str] = Counter()
        for network in networks.values():
            for path, recipe in _packed(network).items():
                counts = recipe.counts()
                before = math.prod(bank[bank.names[0]].shapes[f"{path}/used"]) if bank.names else counts["weights"]
                total.update({**counts, "before": before})
        weights, before = total.pop("weights"), total.pop("before")
        shares = {name: count / weights for name, count in total.items()}
        return WeightOwnership(**shares, grown=weights / before - 1)


def packed_in(networks: dict[str, Any]) -> "list[Packed]":
    """Returns the recipes of the kernels that tasks share."""
    return [recipe for network in networks.values() for recipe in _packed(network).values()]


def _packed(network):
    return {path: kernel for path, kernel in layers.made_kernels(network).items() if isinstance(kernel, recipes.Packed)}
