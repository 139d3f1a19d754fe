"""The training step of pix2pix."""

import tensorflow as tf

from pgtf.objectives import losses
from pgtf.objectives.learner import Learner, jointly


class Pix2PixLearner(Learner):
    """Trains translation from an image to its target, from pairs."""

    LOSSES = ("discriminator", "generator", "l1")

    def step(self, batch: tuple) -> dict[str, tf.Tensor]:
        (image, target), generator = batch, self.generators["forward"]
        if self.parts > 1:
            # With gradient accumulation the generator runs twice (once for the discriminator's update, once for its
            # own), because one tape would hold the whole batch.
            first, _ = self.descend(
                "discriminators", lambda x, y: self._of_discriminator(x, y, generator(x, training=True)), *batch
            )
            second, _ = self.descend(
                "generators", lambda x, y: self._of_generator(x, y, generator(x, training=True)), *batch
            )
            return {**first, **second}
        with tf.GradientTape() as generator_tape:
            made = generator(image, training=True)
        first, _ = self.descend("discriminators", self._of_discriminator, image, target, made)
        # The generator's loss uses the updated discriminator.
        with generator_tape:
            loss, second, _ = self._of_generator(image, target, made)
        self.minimize("generators", generator_tape, loss)
        return {**first, **second}

    def _of_discriminator(self, image, target, made):
        pairs = tf.concat([image, target], -1), tf.concat([image, made], -1)
        loss = 0.5 * losses.vanilla_discriminator(*jointly(self.discriminators["discriminator"], *pairs))
        return loss, {"discriminator": loss}, ()

    def _of_generator(self, image, target, made):
        scores = self.discriminators["discriminator"](tf.concat([image, made], -1), training=True)
        terms = {"generator": losses.vanilla_generator(scores), "l1": losses.l1(made, target)}
        penalties = self.penalties(forward=(image, made))
        loss = terms["generator"] + self.objective.l1_weight * terms["l1"] + sum(penalties.values())
        return loss, {**terms, **penalties}, ()
