"""GAN memory (Cong et al., NeurIPS 2020): kernel = first task's × γ + β, with one γ and β for each (c_in, c_out)."""

import dataclasses

from pgtf.methods.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class Modulated(Backbone):
    """A later task stores a scale γ and a shift β for each pair of channels of the first task's kernel."""

    def adapted(self, site, kernel):
        return site.recipes.Modulated(kernel)
