"""Distillation (Lifelong GAN, Zhai et al., ICCV 2019; [42] in Zhai et al., ECCV 2020): regularized fine-tuning.

    loss + weight × mean |G(x) - former(x)|    x: the current task's images, former: the previous task's network

This follows the description in ECCV 2020: the discrepancy between the outputs of the old and the new network is
minimized. Lifelong GAN also composes auxiliary images from parts of the current ones; that is not implemented here.
"""

import dataclasses

from pgtf.foundation.settings import setting
from pgtf.methods.finetune import Finetune


@dataclasses.dataclass(frozen=True)
class Distilled(Finetune):
    """One network, fine-tuned on each task with a penalty on changes of its outputs. It answers for all tasks."""

    compares_outputs = True

    distillation_weight: float = setting(
        10.0, "Weight of the L1 distance to the previous task's network's output for the same images.", least=0
    )

    def penalty(self, networks, bank):
        if not bank.names:
            return None
        import tensorflow as tf  # Only training needs TensorFlow.

        former = {prefix: bank.network(bank.names[-1], prefix) for prefix in networks}

        def distance(prefix, images, made):
            return self.distillation_weight * tf.reduce_mean(tf.abs(made - former[prefix](images, training=False)))

        return distance
