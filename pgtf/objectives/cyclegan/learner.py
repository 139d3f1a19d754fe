"""The training step of CycleGAN."""

from typing import Any

import tensorflow as tf

from pgtf.objectives import losses
from pgtf.objectives.cyclegan.image_pool import ImagePool
from pgtf.objectives.learner import Learner, jointly


class CycleGANLearner(Learner):
    """Trains translation from A to B and back, without pairs."""

    LOSSES = (
        "discriminator_a",
        "discriminator_b",
        "generator_forward",
        "generator_backward",
        "cycle_a",
        "cycle_b",
        "identity_a",
        "identity_b",
    )

    def __init__(self, *networks: Any, image_shape: tuple[int, int, int], seed: Any = 0) -> None:
        super().__init__(*networks, image_shape=image_shape, seed=seed)
        size = self.objective.pool_size
        channels = [self.generators[name].outputs[0].shape[-1] for name in ("backward", "forward")]
        self.alike = channels[0] == channels[1]
        self.pool_a, self.pool_b = (
            ImagePool(size, (*image_shape[:2], own), seed=seed, name=f"pool_{side}")
            for side, own in zip("ab", channels)
        )

    def step(self, batch: tuple) -> dict[str, tf.Tensor]:
        of_generators, (fake_a, fake_b) = self.descend("generators", self._of_generators, *batch)
        shown = self.pool_a.query(fake_a), self.pool_b.query(fake_b)
        of_discriminators, _ = self.descend("discriminators", self._of_discriminators, *batch, *shown)
        return {**of_generators, **of_discriminators}

    def _of_generators(self, a, b):
        forward, backward = self.generators["forward"], self.generators["backward"]
        discriminator_a, discriminator_b = self._discriminators()
        if self.alike:
            fake_b, same_b = jointly(forward, a, b)
            fake_a, same_a = jointly(backward, b, a)
        else:  # An image of B is no input of forward.
            fake_b, same_b = forward(a, training=True), b
            fake_a, same_a = backward(b, training=True), a
        adversarial = {
            "generator_forward": losses.least_squares_generator(discriminator_b(fake_b, training=True)),
            "generator_backward": losses.least_squares_generator(discriminator_a(fake_a, training=True)),
        }
        cycle = {
            "cycle_a": losses.l1(backward(fake_b, training=True), a),
            "cycle_b": losses.l1(forward(fake_a, training=True), b),
        }
        identity = {"identity_a": losses.l1(same_a, a), "identity_b": losses.l1(same_b, b)}
        penalties = self.penalties(forward=(a, fake_b), backward=(b, fake_a))
        cycle_weight = self.objective.cycle_weight
        loss = (
            sum(adversarial.values())
            + cycle_weight * sum(cycle.values())
            + cycle_weight * self.objective.identity_weight * sum(identity.values())
            + sum(penalties.values())
        )
        return loss, {**adversarial, **cycle, **identity, **penalties}, (fake_a, fake_b)

    def _of_discriminators(self, a, b, shown_a, shown_b):
        discriminator_a, discriminator_b = self._discriminators()
        terms = {
            "discriminator_a": losses.least_squares_discriminator(*jointly(discriminator_a, a, shown_a)),
            "discriminator_b": losses.least_squares_discriminator(*jointly(discriminator_b, b, shown_b)),
        }
        return sum(terms.values()), terms, ()

    def _discriminators(self):
        return self.discriminators["discriminator_a"], self.discriminators["discriminator_b"]
