"""pix2pix: translates an image to its target, learned from pairs."""

import dataclasses

import numpy as np

from pgtf.foundation.settings import setting
from pgtf.metrics.pairs import pair_figures
from pgtf.objectives.base import Auxiliary
from pgtf.objectives.translation import Translation, apply_network, floats, grid


@dataclasses.dataclass(frozen=True)
class Pix2Pix(Translation):
    """A generator with an L1 loss to the target, and a discriminator of input and output together."""

    auxiliary = {"discriminator": Auxiliary(6)}

    l1_weight: float = setting(100.0, "pix2pix: weight of the L1 loss to the target.", least=0)

    def auxiliary_of(self, inputs, outputs):
        return {"discriminator": Auxiliary(inputs + outputs)}

    def distance(self, generators, first, second):
        return float(abs(np.asarray(generators["forward"](first, training=False)) - second).mean())

    def check_probes(self, inputs, targets, outputs):
        super().check_probes(inputs, targets, outputs)
        if targets.keys() != inputs.keys():
            raise ValueError("probes of pairs without their targets")

    def preview(self, networks, inputs, targets):
        a = floats(inputs["forward"])
        rows = zip(a, apply_network(networks["forward"], a), floats(targets["forward"]))
        return {"input-output-target": grid(rows)}

    def pair_figures(self, made, targets):
        return pair_figures(made, targets.images(), targets.image_set)

    def learner(self, generators, discriminators, optimizers, **settings):
        from pgtf.objectives.pix2pix.learner import Pix2PixLearner  # Only training needs TensorFlow.

        return Pix2PixLearner(generators, discriminators, optimizers, self, **settings)
