"""CycleGAN: from A to B and back, without pairs."""

import tensorflow as tf

from pgtf.objectives import losses
from pgtf.objectives.image_pool import ImagePool
from pgtf.objectives.objective import Objective, jointly


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
        super().__init__({"forward": forward, "backward": backward}, [discriminator_a, discriminator_b], optimizers)
        self.forward, self.backward = forward, backward
        self.discriminator_a, self.discriminator_b = discriminator_a, discriminator_b
        self.weights_of_kinds = {"generator": 1.0, "cycle": cycle_weight, "identity": cycle_weight * identity_weight}
        self.pool_a = ImagePool(pool_size, image_shape, seed=2 * seed)
        self.pool_b = ImagePool(pool_size, image_shape, seed=2 * seed + 1)

    def call(self, image, training=False):
        return self.forward(image, training=training)

    def step(self, batch):
        a, b = batch
        reported, fake_a, fake_b = self._teach_generators(a, b)
        return {**reported, **self._teach_discriminators(a, b, fake_a, fake_b)}

    def _teach_generators(self, a, b):
        with tf.GradientTape() as tape:
            fake_b, same_b = jointly(self.forward, a, b)
            fake_a, same_a = jointly(self.backward, b, a)
            terms = {
                "generator_forward": losses.least_squares_generator(self.discriminator_b(fake_b, training=True)),
                "generator_backward": losses.least_squares_generator(self.discriminator_a(fake_a, training=True)),
                "cycle_a": losses.l1(self.backward(fake_b, training=True), a),
                "cycle_b": losses.l1(self.forward(fake_a, training=True), b),
                "identity_a": losses.l1(same_a, a),
                "identity_b": losses.l1(same_b, b),
            }
            loss = sum(self.weights_of_kinds[name.split("_")[0]] * term for name, term in terms.items())
        self.minimize("generator", tape, loss)
        return terms, fake_a, fake_b

    def _teach_discriminators(self, a, b, fake_a, fake_b):
        shown_a, shown_b = self.pool_a.query(fake_a), self.pool_b.query(fake_b)
        with tf.GradientTape() as tape:
            terms = {
                "discriminator_a": losses.least_squares_discriminator(*jointly(self.discriminator_a, a, shown_a)),
                "discriminator_b": losses.least_squares_discriminator(*jointly(self.discriminator_b, b, shown_b)),
            }
            loss = sum(terms.values())
        self.minimize("discriminator", tape, loss)
        return terms
