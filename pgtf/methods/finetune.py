"""Sequential fine-tuning (Zhai et al., ECCV 2020, section 4: SFT): one network, fine-tuned on each task in turn.

Task n starts from the weights of task n - 1 and trains all of them. The latest network answers for every task, so the
method forgets: it is a baseline for the others.
"""

import dataclasses

from pgtf import layers
from pgtf.methods.base import Method


@dataclasses.dataclass(frozen=True)
class Finetune(Method):
    """One network, fine-tuned on each task in turn. It answers for all tasks, so earlier ones are forgotten."""

    fixed_channels = True
    compressible = False

    def initialize(self, networks, bank):
        if bank.names:
            for network in networks.values():
                layers.copy_matching(network, bank[bank.names[-1]].values)

    def network_for(self, task, latest):
        return latest
