"""Delta: kernel = first task's + a difference of few bits."""

import dataclasses

from pgtf import layers, recipes
from pgtf.foundation.settings import setting
from pgtf.methods.backbone import Backbone
from pgtf.methods.base import Phase
from pgtf.recipes.low_bit import levels_of


@dataclasses.dataclass(frozen=True)
class Delta(Backbone):
    """A later task stores the difference of each kernel from the first task's, quantized to 1 to 4 bits."""

    delta_bits: float = setting(
        2.0, "Bits of a value of the difference: 1, 1.58 (three levels), 2, 3 or 4.", least=1, most=4
    )
    round_from: float = setting(
        0.0,
        "Fraction of a task's steps after which training rounds the difference: 0 rounds from the first step; "
        "0.9 trains freely first and repairs in the last tenth; 1 rounds after the last step.",
        least=0,
        most=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        levels_of(self.delta_bits)

    def adapted(self, site, kernel):
        return site.recipes.Delta(kernel, self.delta_bits)

    def phases(self, steps, context=None):
        free = round(self.round_from * steps)
        phases = [
            Phase("learn freely", free, lambda networks: self._set_rounding(networks, False)),
            Phase("learn rounded", steps - free, lambda networks: self._set_rounding(networks, True)),
        ]
        return [phase for phase in phases if phase.steps]

    def _set_rounding(self, networks, rounding):
        for network in networks.values():
            for recipe in layers.made_kernels(network).values():
                if isinstance(recipe, recipes.Delta) and recipe.bits == self.delta_bits:
                    recipe.rounding.assign(rounding)
