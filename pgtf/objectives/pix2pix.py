"""pix2pix: an image to its target, from pairs."""

import dataclasses
from typing import TYPE_CHECKING, Any

from pgtf.objectives.base import Objective
from pgtf.settings import setting

if TYPE_CHECKING:
    from pgtf.objectives.learner import Learner


@dataclasses.dataclass(frozen=True)
class Pix2Pix(Objective):
    """A discriminator that sees input and output together, and an L1 distance to the target."""

    generators = ("forward",)
    discriminators = {"discriminator": 6}

    l1_weight: float = setting(100.0, "pix2pix: weight of the L1 distance to the target.", least=0)

    def learner(
        self,
        generators: dict[str, Any],
        discriminators: dict[str, Any],
        optimizers: dict[str, Any],
        *,
        image_shape: tuple[int, int, int],
        seed: Any = 0,
    ) -> "Learner":
        from pgtf.objectives.pix2pix_learner import Pix2PixLearner  # TensorFlow only to learn.

        del image_shape, seed  # Nothing in the step is random.
        return Pix2PixLearner(generators, discriminators, optimizers, self)
