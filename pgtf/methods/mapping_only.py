"""Mapping only (StarGAN v2, Choi et al., CVPR 2020, as Webster et al. share it): own styles, shared convolutions."""

import dataclasses

from pgtf.methods.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class MappingOnly(Backbone):
    """A later task stores its own mapping network and affine layers; the convolutions are the first task's."""

    needs = "latents"
    learns_together = True

    def adapted(self, site, kernel):
        return site.recipes.PartlyFree(kernel, float(site.makes_styles))
