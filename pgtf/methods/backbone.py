"""What methods share whose kernels are functions of the first task's: the backbone."""

import dataclasses
from typing import TYPE_CHECKING

from pgtf import layers
from pgtf.methods.base import LentFilters, Method

if TYPE_CHECKING:
    from pgtf.layers.factory import KernelSite
    from pgtf.recipes.base import Recipe


@dataclasses.dataclass(frozen=True)
class Backbone(Method):
    """The first task's kernels are free; each later one's are adapted from them, and so start from the first task.

    A subclass says `adapted`.
    """

    def borrows(self, learnt):
        return learnt[:1]

    def recipe(self, place, bank):
        return self.adapted(place, bank.lent(place.path)) if bank.names else super().recipe(place, bank)

    def adapted(self, place: "KernelSite", kernel: LentFilters) -> "Recipe":
        """The recipe of one kernel of a later task.

        Args:
          place: Which kernel.
          kernel: The first task's, [h, w, c_in, c_out].

        Returns:
          A recipe that starts as that kernel, not built.
        """
        raise NotImplementedError

    def initialize(self, networks, bank):
        if bank.names:  # Norms, biases and task-specific layers are each task's own.
            for network in networks.values():
                layers.copy_matching(network, bank.values(bank.names[0]))
