"""pix2pix: an image to its target, from pairs."""

import tensorflow as tf

from pgtf.objectives import losses
from pgtf.objectives.objective import Objective, jointly


class Pix2Pix(Objective):
    """A discriminator that sees input and output together, and an L1 distance to the target."""

    LOSSES = ("discriminator", "generator", "l1")

    def __init__(self, generator, discriminator, optimizers, *, l1_weight=100.0):
        super().__init__({"forward": generator}, [discriminator], optimizers)
        self.generator, self.discriminator, self.l1_weight = generator, discriminator, l1_weight

    def call(self, image, training=False):
        return self.generator(image, training=training)

    def step(self, batch):
        image, target = batch
        with tf.GradientTape() as generator_tape:
            made = self.generator(image, training=True)
        pairs = tf.concat([image, target], -1), tf.concat([image, made], -1)
        with tf.GradientTape() as tape:
            discriminator_loss = 0.5 * losses.vanilla_discriminator(*jointly(self.discriminator, *pairs))
        self.minimize("discriminator", tape, discriminator_loss)
        # The discriminator just updated is the one that the generator has to convince.
        with generator_tape:
            convinced = losses.vanilla_generator(self.discriminator(tf.concat([image, made], -1), training=True))
            distance = losses.l1(made, target)
            generator_loss = convinced + self.l1_weight * distance
        self.minimize("generator", generator_tape, generator_loss)
        return {"discriminator": discriminator_loss, "generator": convinced, "l1": distance}
