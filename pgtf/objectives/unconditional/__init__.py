"""Unconditional generation: images from latents, learned from images alone (StyleGAN2, Karras et al., CVPR 2020)."""

import dataclasses

import numpy as np

from pgtf.data.rgb_images import to_uint8
from pgtf.foundation import settings
from pgtf.foundation.settings import setting
from pgtf.metrics.measurements import ImageSet
from pgtf.objectives.base import Auxiliary, Objective
from pgtf.objectives.translation import grid
from pgtf.objectives.unconditional.latents import latents

AUGMENTATIONS = ("color", "translation", "cutout")
PROBES = 9  # Latents whose images prove that a task has not changed: three rows of three.


@dataclasses.dataclass(frozen=True)
class Unconditional(Objective):
    """Generates images from latents: non-saturating loss, with R1 and path length penalties every few steps."""

    networks = {"forward": (None,)}
    auxiliary = {"discriminator": Auxiliary(3, "style", any_size=False)}
    batch = "images"
    any_pixels = False
    serves = "latents"
    common_inputs = True
    needs_extractor = True
    continues_auxiliary = True

    r1_weight: float = setting(
        10.0,
        "unconditional: weight γ of the discriminator's R1 penalty, γ/2 · |∇D(real)|². 0.0002 · pixels / batch_size is "
        "a good start: 0.01 at 32 px.",
        least=0,
    )
    r1_every: int = setting(
        16, "unconditional: steps between R1 penalties; the weight of each is multiplied by that number.", above=0
    )
    path_length_weight: float = setting(
        2.0, "unconditional: weight of the generator's path length penalty; 0 saves a tenth of the time.", least=0
    )
    path_length_every: int = setting(
        4,
        "unconditional: steps between path length penalties; the weight of each is multiplied by that number.",
        above=0,
    )
    style_mixing: float = setting(
        0.9, "unconditional: share of generated images with the styles of two latents.", least=0, most=1
    )
    augment: str = setting(
        "",
        f"unconditional: DiffAugment, for a few thousand images or less: some of {','.join(AUGMENTATIONS)}. It changes "
        "what the discriminator sees, real and generated alike. Default: none.",
    )
    freeze_discriminator: int = setting(
        0,
        "unconditional: blocks of the discriminator, from the image on, that later tasks keep as the first task "
        "learned them (Freeze-D).",
        least=0,
    )
    generated: int = setting(
        2000, "unconditional: number of generated images that a task is measured with.", least=2, may_change=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if set(self.augmentations) - set(AUGMENTATIONS):
            settings.refuse("augment", f"some of {','.join(AUGMENTATIONS)}", self.augment)

    @property
    def augmentations(self) -> frozenset[str]:
        """The names in `augment`."""
        return frozenset(filter(None, self.augment.split(",")))

    @classmethod
    def preferred(cls, image_size):
        return {
            "network": "stylegan2",
            "norm": "none",
            "ema": 0.999,
            "learning_rate": 0.002,
            "decay_from": 1.0,
            "batch_size": 16,
            "load_size": image_size,
        }

    def optimizer(self, schedule, precision, rates=()):
        from pgtf.objectives.optimizers import adam  # Only training needs TensorFlow.

        return adam(schedule, precision, rates, beta_1=0.0, beta_2=0.99, epsilon=1e-8)

    def probes(self, *examples, shape=(512,)):
        return {"forward": latents(range(PROBES), shape[0])}, {}

    def check_probes(self, inputs, targets, outputs):
        if not inputs.keys() == outputs.keys() == {"forward"} or targets:
            raise ValueError("probes of other networks than forward, or with targets")
        given, images = inputs["forward"], outputs["forward"]
        if given.ndim != 2 or given.dtype != np.float32:
            raise ValueError(f"latents: {given.dtype} {list(given.shape)}")
        if images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(f"images: {list(images.shape)}")

    def example(self, probes):
        return to_uint8(probes.outputs["forward"][0])

    def preview(self, networks, inputs, targets):
        made = list(np.asarray(networks["forward"](inputs["forward"], training=False)))
        side = max(1, int(len(made) ** 0.5))
        return {"generated": grid(made[row : row + side] for row in range(0, side * side, side))}

    def figures(self, evaluator, task, generators, sides):
        """Measures the distances of generated images to all real ones of the split."""
        _, real = sides
        network = generators["forward"]
        made = network(evaluator.watched(latents(range(self.generated), network.shape[0])))
        made_from = ImageSet("generated", len(made), made.shape[1:3], "whole", "seeds from 0")
        return evaluator.distances(real, made, made_from, intervals=True)

    def loss(self, values):
        """Returns the Fréchet distance."""
        return next(value for name, value in values.items() if name.startswith("F"))

    def begin_auxiliary(self, networks, is_first):
        """Freezes the first blocks of a later task's discriminator (Freeze-D)."""
        from pgtf.networks.style_discriminator import outer_layers

        if not is_first:
            for name in outer_layers(networks["discriminator"], self.freeze_discriminator):
                networks["discriminator"].get_layer(name).trainable = False

    def learner(self, *networks, **settings):
        from pgtf.objectives.unconditional.learner import UnconditionalLearner  # Only training needs TensorFlow.

        return UnconditionalLearner(*networks, self, **settings)
