"""Distillation (Lifelong GAN, Zhai et al., ICCV 2019; [42] in Zhai et al., ECCV 2020): fine-tuning that is held back.

    loss + weight × mean |G(x) - former(x)|    x: the current task's images, former: the previous task's network

This is what ECCV 2020 says of it: the discrepancy between the outputs of the old and the new network is minimized.
Lifelong GAN also makes up images to compare on, from parts of the current ones; that is not here.
"""

import dataclasses

from pgtf.foundation.settings import setting
from pgtf.methods.finetune import Finetune


@dataclasses.dataclass(frozen=True)
class Distilled(Finetune):
    """One network, tuned on and on, whose outputs are held near those of the previous task's; the latest plays all."""

    distillation_weight: float = setting(
        10.0, "Weight of the L1 distance to what the previous task's network makes of the same images.", least=0
    )

    def penalty(self, networks, bank):
        if not bank.names:
            return None
        import tensorflow as tf  # Only to learn.

        former = {prefix: bank.network(bank.names[-1], prefix) for prefix in networks}

        def distance(prefix, images, made):
            return self.distillation_weight * tf.reduce_mean(tf.abs(made - former[prefix](images, training=False)))

        return distance
