"""CPG (Hung et al., NeurIPS 2019, algorithm 1): compacting, picking and growing.

As PAE, but a task picks weights of earlier tasks with a mask, and trains the mask together with all weights that no
task owns. The mask is fixed before the task's own weights are pruned.
"""

import dataclasses

from pgtf.foundation.settings import setting
from pgtf.methods.packing import packed_in
from pgtf.methods.pae import Pae


@dataclasses.dataclass(frozen=True)
class Cpg(Pae):
    """A later task selects weights of earlier tasks, trains released weights, and widens the network if needed."""

    mask_learning_rate: float = setting(
        1e-4, "Learning rate of the masks' scores; it decays like --learning_rate.", above=0
    )

    def recipe(self, site, bank):
        return site.recipes.Picked(
            self.parts(site, bank),
            prune_ratio=self.most_pruned,
            initializer=site.initializer,
            learning_rate=self.mask_learning_rate,
            inputs=site.inputs,
        )

    def _end_learning(self, context, networks):
        super()._end_learning(context, networks)
        for recipe in packed_in(networks):
            recipe.fix()
