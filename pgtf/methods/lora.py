"""LoRA (Hu et al., 2021): kernel = first task's + a low-rank product."""

import dataclasses

from pgtf.methods.low_rank import LowRank


@dataclasses.dataclass(frozen=True)
class Lora(LowRank):
    """A later task stores the two factors of a low-rank product, which is added to the first task's kernel.

    The product starts at zero. The method is `low_rank` without the scale: half the bytes at the same rank.
    """

    def factors(self, site, kernel):
        return site.recipes.Lora(kernel, self.rank_of(kernel), seed=site.seed)
