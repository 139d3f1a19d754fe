"""PackNet (Mallya and Lazebnik, CVPR 2018; as Hung et al., NeurIPS 2019, describe it): learn, prune, retrain.

A task uses the weights that earlier ones own, as they are, and learns all others. Then the smallest of those are set to
zero and released to the tasks to come, layer by layer, and the rest are learnt further: the task owns them.
"""

import dataclasses

from pgtf import recipes
from pgtf.foundation.settings import setting
from pgtf.methods.base import Phase
from pgtf.methods.packing import Packing, packed_in


@dataclasses.dataclass(frozen=True)
class PackNet(Packing):
    """A later task uses all weights of the earlier ones, and learns and prunes those that they released."""

    prune_ratio: float = setting(
        0.5,
        "The share of the weights that it learnt that a task releases to later ones, in each layer.",
        least=0,
        most=0.99,
    )

    def recipe(self, place, bank):
        return recipes.Packed(self.parts(place, bank), prune_ratio=self.prune_ratio, initializer=place.initializer)

    def phases(self, steps, trial=None):
        retrain = self.steps_after_pruning(steps)
        phases = [Phase("learn", steps - retrain), Phase("retrain", retrain, self._prune)]
        return [phase for phase in phases if phase.steps]

    def _prune(self, networks):
        for recipe in packed_in(networks):
            recipe.prune(self.prune_ratio)
