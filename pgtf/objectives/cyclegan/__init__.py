"""CycleGAN: translates from A to B and back, learned without pairs."""

import dataclasses

import numpy as np

from pgtf.foundation.settings import setting
from pgtf.objectives.base import Objective


@dataclasses.dataclass(frozen=True)
class CycleGAN(Objective):
    """Two generators that are each other's inverse, and a discriminator for each side."""

    generators = ("forward", "backward")
    discriminators = {"discriminator_a": 3, "discriminator_b": 3}
    paired = False
    dropout = False

    cycle_weight: float = setting(10.0, "cyclegan: weight of the cycle-consistency loss.", least=0)
    identity_weight: float = setting(0.5, "cyclegan: weight of the identity loss, times cycle_weight.", least=0)
    pool_size: int = setting(50, "cyclegan: number of generated images in each discriminator's image pool.", least=0)

    def distance(self, generators, first, second):
        def there_and_back(images, *names):
            made = images
            for name in names:
                made = generators[name](made, training=False)
            return float(abs(np.asarray(made) - images).mean())

        return there_and_back(first, "forward", "backward") + there_and_back(second, "backward", "forward")

    def learner(self, *networks, **settings):
        from pgtf.objectives.cyclegan.learner import CycleGANLearner  # Only training needs TensorFlow.

        return CycleGANLearner(*networks, self, **settings)
