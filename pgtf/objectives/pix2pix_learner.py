"""The step of pix2pix."""

import tensorflow as tf

from pgtf.objectives import losses
from pgtf.objectives.learner import Learner, jointly


class Pix2PixLearner(Learner):
    """Learns an image to its target, from pairs."""

    LOSSES = ("discriminator", "generator", "l1")

    def step(self, batch: tuple) -> dict[str, tf.Tensor]:
        image, target = batch
        generator, discriminator = self.generators["forward"], self.discriminators["discriminator"]
        with tf.GradientTape() as generator_tape:
            made = generator(image, training=True)
        pairs = tf.concat([image, target], -1), tf.concat([image, made], -1)
        with tf.GradientTape() as tape:
            discriminator_loss = 0.5 * losses.vanilla_discriminator(*jointly(discriminator, *pairs))
        self.minimize("discriminators", tape, discriminator_loss)
        # The discriminator just updated is the one that the generator has to convince.
        with generator_tape:
            convinced = losses.vanilla_generator(discriminator(tf.concat([image, made], -1), training=True))
            distance = losses.l1(made, target)
            penalties = self.penalties(forward=(image, made))
            generator_loss = convinced + self.objective.l1_weight * distance + sum(penalties.values())
        self.minimize("generators", generator_tape, generator_loss)
        return {"discriminator": discriminator_loss, "generator": convinced, "l1": distance, **penalties}
