"""Progressive networks (Rusu et al., 2016; PN in Zhai et al., ECCV 2020): a column for each task, joined by laterals.

A layer is given h + lateral([h₁ … hₙ]): what the layer before it makes, and what its twins in the columns of earlier
tasks are given for the same image, mixed from channel to channel. Those columns are frozen and run inside the network.
"""

import dataclasses

from pgtf import layers
from pgtf.methods.base import Method


@dataclasses.dataclass(frozen=True)
class Progressive(Method):
    """Every kernel is free; a task stores its own column, which starts at random, and its laterals."""

    def borrows(self, learnt):
        return learnt

    def maker(self, make, image, bank):
        if not bank.names:
            return make
        latest = bank.network(bank.names[-1], make.prefix)
        if latest is None:
            return layers.Laterals(make, layers.planned_columns(len(bank.names)))
        given = layers.columns(latest)(image, training=False)
        return layers.Laterals(make, lambda name, h: given[name])
