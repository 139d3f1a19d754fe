"""Progressive networks (Rusu et al., 2016; PN in Zhai et al., ECCV 2020): a column for each task, joined by laterals.

A layer's input is h + lateral([h₁ … hₙ]): the previous layer's output, and a 1 × 1 convolution of the inputs of the
same layer in earlier tasks' columns, for the same image. These columns are frozen and run inside the network.
"""

import dataclasses

from pgtf import layers
from pgtf.methods.base import Method


@dataclasses.dataclass(frozen=True)
class Progressive(Method):
    """A task stores a whole network (a column), and lateral connections from the frozen networks of earlier tasks."""

    needs = "images"
    fixed_channels = True
    compressible = False

    def borrows(self, learned):
        return learned

    def maker(self, make, image, bank):
        if not bank.names:
            return make
        latest = bank.network(bank.names[-1], make.prefix)
        if latest is None:
            return layers.Laterals(make, layers.planned_columns(len(bank.names)))
        given = layers.columns(latest)(image, training=False)
        return layers.Laterals(make, lambda name, h: given[name])
