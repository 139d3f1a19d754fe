"""CycleGAN: translates from A to B and back, learned without pairs."""

import dataclasses

import numpy as np

from pgtf.foundation.settings import setting
from pgtf.objectives.base import IMAGE, Auxiliary
from pgtf.objectives.translation import Translation, apply_network, floats, grid


@dataclasses.dataclass(frozen=True)
class CycleGAN(Translation):
    """Two generators, from A to B and from B to A, trained to be inverse, and a discriminator for each domain."""

    networks = {"forward": IMAGE, "backward": IMAGE}
    architecture = {"dropout": False}
    auxiliary = {"discriminator_a": Auxiliary(3), "discriminator_b": Auxiliary(3)}
    batch = "unpaired"
    common_inputs = True
    needs_extractor = True

    cycle_weight: float = setting(10.0, "cyclegan: weight of the cycle-consistency loss.", least=0)
    identity_weight: float = setting(
        0.5,
        "cyclegan: weight of the identity loss, times cycle_weight. It is left out where A and B differ in channels.",
        least=0,
    )
    pool_size: int = setting(50, "cyclegan: number of generated images in each discriminator's image pool.", least=0)

    def auxiliary_of(self, inputs, outputs):
        return {"discriminator_a": Auxiliary(inputs), "discriminator_b": Auxiliary(outputs)}

    def distance(self, generators, first, second):
        def there_and_back(images, *names):
            made = images
            for name in names:
                made = generators[name](made, training=False)
            return float(abs(np.asarray(made) - images).mean())

        return there_and_back(first, "forward", "backward") + there_and_back(second, "backward", "forward")

    def probes(self, *examples, shape=IMAGE):
        first, second = examples
        return {"forward": first, "backward": second}, {}

    def preview(self, networks, inputs, targets):
        forward, backward = networks["forward"], networks["backward"]
        a, b = floats(inputs["forward"]), floats(inputs["backward"])
        to_b, to_a = apply_network(forward, a), apply_network(backward, b)
        shown = {
            "A-B-A": grid(zip(a, to_b, apply_network(backward, to_b))),
            "B-A-B": grid(zip(b, to_a, apply_network(forward, to_a))),
        }
        if a[0].shape[-1] != b[0].shape[-1]:
            return shown
        return {
            **shown,
            "A-identity-B-identity": grid(zip(a, apply_network(backward, a), b, apply_network(forward, b))),
        }

    def learner(self, *networks, **settings):
        from pgtf.objectives.cyclegan.learner import CycleGANLearner  # Only training needs TensorFlow.

        return CycleGANLearner(*networks, self, **settings)
