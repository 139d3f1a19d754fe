"""LFS-GAN (Seo et al., ICCV 2023): kernel = first task's × (1 + low-rank product) + low-rank product."""

import dataclasses
import math
from typing import TYPE_CHECKING

from pgtf.foundation.settings import setting
from pgtf.layers.kernel_site import KernelSite
from pgtf.methods.backbone import Backbone
from pgtf.methods.bank import LentFilters
from pgtf.methods.piggyback import FREE_OUTER_HELP

if TYPE_CHECKING:
    from pgtf.recipes.base import Recipe


@dataclasses.dataclass(frozen=True)
class LowRank(Backbone):
    """A later task stores the factors of two low-rank products, which scale and shift the first task's kernel."""

    rank: int = setting(
        4,
        "Rank of the products that scale and shift a kernel. A kernel whose matrix [h·w·c_in, c_out] has a lower rank "
        "takes that.",
        least=1,
    )

    free_outer: int = setting(0, FREE_OUTER_HELP, least=0)

    def adapted(self, site, kernel):
        if 1 <= site.level <= self.free_outer:
            return site.recipes.Full(site.initializer)  # `Backbone` then copies the first task's kernel into it.
        return self.factors(site, kernel)

    def factors(self, site: KernelSite, kernel: LentFilters) -> "Recipe":
        """Returns the recipe of a kernel outside the free levels."""
        return site.recipes.LowRank(kernel, self.rank_of(kernel), seed=site.seed)

    def rank_of(self, kernel: LentFilters) -> int:
        """Returns the rank of a kernel's products."""
        *rows, c_out = kernel.shape
        return min(self.rank, math.prod(rows), c_out)
