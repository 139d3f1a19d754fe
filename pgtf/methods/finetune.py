"""Sequential fine-tuning (Zhai et al., ECCV 2020, section 4: SFT): one network, tuned on and on.

Task n starts from the weights of task n - 1 and trains all of them; every task is played by the network of the last
one. It forgets: it is what the other methods are compared with.
"""

import dataclasses

from pgtf import layers
from pgtf.methods.base import Method


@dataclasses.dataclass(frozen=True)
class Finetune(Method):
    """Every kernel is free and starts as the previous task left it; the latest network plays all tasks."""

    def initialize(self, networks, bank):
        if bank.names:
            for network in networks.values():
                layers.restore(network, bank.values(bank.names[-1]))

    def network_for(self, task, latest):
        return latest
