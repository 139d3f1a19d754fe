"""CycleGAN: from A to B and back, without pairs."""

import tensorflow as tf

from pgtf.objectives import losses
from pgtf.objectives.image_pool import ImagePool
from pgtf.objectives.objective import Objective


class CycleGAN(Objective):
    """Two generators that undo one another, and a discriminator for each side."""

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

    def __init__(
        self,
        forward,
        backward,
        discriminator_a,
        discriminator_b,
        optimizers,
        *,
        image_shape,
        cycle_weight=10.0,
        identity_weight=0.5,
        pool_size=50,
        seed=0,
    ):
        super().__init__({"forward": forward, "backward": backward}, optimizers)
        self.forward, self.backward = forward, backward
        self.discriminator_a, self.discriminator_b = discriminator_a, discriminator_b
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight
        self.pool_a = ImagePool(pool_size, image_shape, seed=2 * seed)
        self.pool_b = ImagePool(pool_size, image_shape, seed=2 * seed + 1)

    def call(self, image, training=False):
        return self.forward(image, training=training)

    def train_step(self, batch):
        a, b = batch
        reported, fakes = self._generators_step(a, b)
        reported.update(self._discriminators_step(a, b, *fakes))
        return self.report(**reported)

    def _generators_step(self, a, b):
        with tf.GradientTape() as tape:
            fake_b = self.forward(a, training=True)
            fake_a = self.backward(b, training=True)
            terms = {
                "generator_forward": losses.least_squares_generator(self.discriminator_b(fake_b, training=True)),
                "generator_backward": losses.least_squares_generator(self.discriminator_a(fake_a, training=True)),
                "cycle_a": losses.l1(self.backward(fake_b, training=True), a),
                "cycle_b": losses.l1(self.forward(fake_a, training=True), b),
            }
            if self.identity_weight:
                terms["identity_a"] = losses.l1(self.backward(a, training=True), a)
                terms["identity_b"] = losses.l1(self.forward(b, training=True), b)
            loss = sum(self._weight(name) * term for name, term in terms.items())
        variables = self.forward.trainable_variables + self.backward.trainable_variables
        self.minimize("generator", tape, loss, variables)
        return terms, (fake_a, fake_b)

    def _weight(self, name):
        kind = name.split("_")[0]
        return {"generator": 1.0, "cycle": self.cycle_weight, "identity": self.cycle_weight * self.identity_weight}[kind]

    def _discriminators_step(self, a, b, fake_a, fake_b):
        shown_a, shown_b = self.pool_a.query(fake_a), self.pool_b.query(fake_b)
        with tf.GradientTape() as tape:
            loss_a = losses.least_squares_discriminator(
                self.discriminator_a(a, training=True), self.discriminator_a(shown_a, training=True)
            )
            loss_b = losses.least_squares_discriminator(
                self.discriminator_b(b, training=True), self.discriminator_b(shown_b, training=True)
            )
            loss = loss_a + loss_b
        variables = self.discriminator_a.trainable_variables + self.discriminator_b.trainable_variables
        self.minimize("discriminator", tape, loss, variables)
        return {"discriminator_a": loss_a, "discriminator_b": loss_b}
