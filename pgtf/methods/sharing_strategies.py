"""Sharing strategies (Webster et al., ICIP 2022, section 3): a fraction λ of the first task's kernels is retrained.

Width-wise, in every layer:     kernel = [free | first task's], free: the first ⌊λ·c_in⌋ input channels
Layer-wise, to a budget of λ:   kernel = free in the first layers, the first task's in the rest

Both start from the first task. Norms, biases and task-specific layers belong to each task and do not count. Tasks can
be trained jointly (section 3.1): then all of them train the shared part of the first task's kernels.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar

from pgtf.foundation import settings
from pgtf.foundation.settings import setting
from pgtf.methods.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class WidthWise(Backbone):
    """A later task stores the first input channels of each kernel."""

    learns_together: ClassVar[bool] = True

    learn_ratio: float = setting(
        0.1, "λ, the fraction of the first task's kernels that a new task retrains; the rest stays.", above=0, most=1
    )

    def adapted(self, site, kernel):
        return site.recipes.PartlyFree(kernel, self.learn_ratio)


@dataclasses.dataclass(frozen=True)
class LayerWise(WidthWise):
    """A later task stores the kernels of as many first layers as fit into the budget."""

    def recipe(self, site, bank):
        if not bank.names:
            return super().recipe(site, bank)
        prefix, _ = site.path.split("/", 1)
        first = bank[bank.names[0]]
        lent = [path for path in first.shapes if path in first.lent and path.startswith(f"{prefix}/")]
        kernels = {path.rsplit("/", 1)[0]: first.shapes[path] for path in lent}
        free = site.path in first_layers(kernels, self.learn_ratio)
        return site.recipes.PartlyFree(bank.lent(site.path), float(free))


def first_layers(kernels: Mapping[str, tuple[int, ...]], ratio: float) -> list[str]:
    """Returns the paths of the most first layers that together hold at most a fraction of all values.

    Args:
      kernels: {path: shape}, in the order of the network's layers.
      ratio: The fraction.

    Raises:
      ValueError: if not even one layer fits.
    """
    total = sum(map(math.prod, kernels.values()))
    taken, room = [], ratio * total * (1 + 1e-9)
    for path, shape in kernels.items():
        room -= math.prod(shape)
        if room < 0:
            break
        taken.append(path)
    if not taken:
        path, shape = next(iter(kernels.items()))
        share = math.prod(shape) / total
        settings.refuse(
            "learn_ratio", f"at least {share:.2g}, the fraction of the values in the first layer ({path})", ratio
        )
    return taken
