"""Backbone: base class of methods that adapt the first task's kernels."""

import dataclasses
from typing import TYPE_CHECKING

from pgtf import layers
from pgtf.layers.kernel_site import KernelSite
from pgtf.methods.bank import LentFilters
from pgtf.methods.base import Method

if TYPE_CHECKING:
    from pgtf.recipes.base import Recipe


@dataclasses.dataclass(frozen=True)
class Backbone(Method):
    """The first task's kernels are free. Later tasks adapt them, and start from the first task's network.

    A subclass implements `adapted`.
    """

    def borrows(self, learned):
        return learned[:1]

    def recipe(self, site, bank):
        return self.adapted(site, bank.lent(site.path)) if bank.names else super().recipe(site, bank)

    def adapted(self, site: KernelSite, kernel: LentFilters) -> "Recipe":
        """Returns the recipe of one kernel of a later task.

        Args:
          site: The kernel's position in the network.
          kernel: The first task's kernel, [h, w, c_in, c_out].

        Returns:
          A recipe, not built, that starts equal to that kernel.
        """
        raise NotImplementedError

    def initialize(self, networks, bank):
        if bank.names:  # Copies norms, biases and task-specific layers, which each task then trains.
            for network in networks.values():
                layers.copy_matching(network, bank[bank.names[0]].values)
