"""pix2pix: translates an image to its target, learned from pairs."""

import dataclasses

import numpy as np

from pgtf.foundation.settings import setting
from pgtf.objectives.base import Objective


@dataclasses.dataclass(frozen=True)
class Pix2Pix(Objective):
    """A discriminator on input and output together, and an L1 loss to the target."""

    generators = ("forward",)
    discriminators = {"discriminator": 6}

    l1_weight: float = setting(100.0, "pix2pix: weight of the L1 loss to the target.", least=0)

    def distance(self, generators, first, second):
        return float(abs(np.asarray(generators["forward"](first, training=False)) - second).mean())

    def learner(self, *networks, **settings):
        from pgtf.objectives.pix2pix.learner import Pix2PixLearner  # Only training needs TensorFlow.

        return Pix2PixLearner(*networks, self, **settings)
