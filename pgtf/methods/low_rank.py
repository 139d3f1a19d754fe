"""LFS-GAN (Seo et al., ICCV 2023): kernel = the first task's × (1 + a product of low rank) + a product of low rank."""

import dataclasses

from pgtf import recipes
from pgtf.foundation.settings import setting
from pgtf.methods.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class LowRank(Backbone):
    """A later task stores the factors of the products, which start as zero."""

    rank: int = setting(
        4,
        "Of the products that scale and shift a kernel: at most the kernel's, as a matrix [h·w·c_in, c_out].",
        least=1,
    )

    free_outer: int = setting(
        0,
        "Levels, counted from the image, whose kernels a later task learns freely; see piggyback.",
        least=0,
    )

    def adapted(self, place, kernel):
        if 1 <= place.level <= self.free_outer:
            return recipes.Full(
                place.initializer
            )  # It starts as the first task's kernel, as all values of its path do.
        return recipes.LowRank(kernel, self.rank, seed=place.seed)
