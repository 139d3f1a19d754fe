"""Mask (Mallya et al., ECCV 2018, eq. 4): kernel = first task's × mask of zeros and ones, learned as scores."""

import dataclasses

from pgtf.foundation.settings import setting
from pgtf.methods.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class Mask(Backbone):
    """A later task stores one bit per weight of the first task (ternary: two), and its own norms and biases."""

    mask: str = setting(
        "binary",
        "Values that multiply the first task's weights: binary 0 or 1; ternary -1, 0 or 1 (twice the bits).",
        choices=("binary", "ternary"),
    )
    mask_learning_rate: float = setting(
        1e-4, "Learning rate of the masks' scores; it decays like --learning_rate.", above=0
    )

    def adapted(self, site, kernel):
        return site.recipes.Mask(kernel, ternary=self.mask == "ternary", learning_rate=self.mask_learning_rate)
