"""PackNet (Mallya and Lazebnik, CVPR 2018; as Hung et al., NeurIPS 2019, describe it): train, prune, retrain.

A task uses the weights that earlier tasks own, unchanged, and trains all others. Then, in each layer, the smallest of
these are set to zero and released to later tasks; the task owns the rest and trains them further.
"""

import dataclasses

from pgtf.foundation.settings import setting
from pgtf.methods.base import Phase
from pgtf.methods.packing import Packing, packed_in


@dataclasses.dataclass(frozen=True)
class PackNet(Packing):
    """A later task uses all weights of earlier tasks, and trains the weights that they released by pruning."""

    prune_ratio: float = setting(
        0.5,
        "Fraction of a layer's trained weights that a task releases to later ones.",
        least=0,
        most=0.99,
    )

    def recipe(self, site, bank):
        return site.recipes.Packed(self.parts(site, bank), prune_ratio=self.prune_ratio, initializer=site.initializer)

    def phases(self, steps, context=None):
        retrain = self.steps_after_pruning(steps)
        phases = [Phase("learn", steps - retrain), Phase("retrain", retrain, self._prune)]
        return [phase for phase in phases if phase.steps]

    def release(self, networks):
        self._prune(networks)

    def _prune(self, networks):
        for recipe in packed_in(networks):
            recipe.prune(self.prune_ratio)
