"""Masks (Mallya et al., ECCV 2018, eq. 4): kernel = the first task's × a mask of zeros and ones, learnt as scores."""

import dataclasses

from pgtf import recipes
from pgtf.foundation.settings import setting
from pgtf.methods.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class Mask(Backbone):
    """A later task stores a bit for each weight of the first (two bits if ternary), its own norms and biases."""

    mask: str = setting(
        "binary",
        "What a weight of the first task is multiplied by: 0 or 1, or (ternary, twice the bits) -1, 0 or 1.",
        choices=("binary", "ternary"),
    )
    mask_learning_rate: float = setting(
        1e-4, "Adam's for the scores that masks are learnt as; it falls as the run's does.", above=0
    )

    def adapted(self, place, kernel):
        return recipes.Mask(kernel, ternary=self.mask == "ternary", learning_rate=self.mask_learning_rate)
