"""pix2pix's step against the same step, written out."""

import functools

import keras
import numpy as np
import tensorflow as tf

from pgtf.assembly import build
from pgtf.config import Config
from pgtf.methods import Full
from pgtf.networks import Architecture
from pgtf.objectives import Pix2Pix
from pgtf.objectives.base import Auxiliary
from pgtf.objectives.optimizers import adam

# Four halvings: a U-Net without dropout, so that the step can be repeated by hand.
ARCHITECTURE = Architecture("unet", (16, 16), width=2)


@functools.lru_cache(None)
def built(whose):
    """A generator, a discriminator, and weights for them that are large enough to matter."""
    generator = build.generators(ARCHITECTURE, Full(), ("forward",), seed=1)["forward"]
    made = generator, build.discriminator("discriminator", Auxiliary(6), width=2, n_layers=1, seed=2)
    return made, [[20 * w if w.ndim == 4 else w for w in network.get_weights()] for network in made]


def networks(whose="ours"):
    """The same networks with the same weights each time; those of another owner are other objects."""
    made, weights = built(whose)
    for network, values in zip(made, weights):
        network.set_weights(values)
    return made


def batch(seed, count=2):
    rng = np.random.default_rng(seed)
    return tuple(tf.constant(rng.uniform(-1, 1, (count, 16, 16, 3)), tf.float32) for _ in range(2))


def learner(generator_optimizer, discriminator_optimizer, whose="ours", **settings):
    generator, discriminator = networks(whose)
    optimizers = {"generators": generator_optimizer, "discriminators": discriminator_optimizer}
    return Pix2Pix(**settings).learner(
        {"forward": generator}, {"discriminator": discriminator}, optimizers, image_shape=(16, 16, 3)
    )


def parties(ours):
    """Its two networks, by the kind that they are of."""
    return {"generators": ours.generators["forward"], "discriminators": ours.discriminators["discriminator"]}


def sgd(rate):
    """Plain descent: unlike Adam's, its step shows how large the gradient is."""
    return keras.optimizers.SGD(rate)


class Written:
    """pix2pix's equations: D first, then G against the new D."""

    def __init__(self, l1_weight, descend_d, descend_g):
        self.g, self.d = networks("written")
        self.l1_weight, self.descend_d, self.descend_g = l1_weight, descend_d, descend_g

    def score(self, image, other):
        return self.d(tf.concat([image, other], -1), training=True)

    def step(self, x, y):
        with tf.GradientTape() as tape:
            made = tf.stop_gradient(self.g(x, training=True))
            real, fake = self.score(x, y), self.score(x, made)
            # ½ (-log σ(real) - log(1 - σ(fake)))
            d_loss = 0.5 * (tf.reduce_mean(-tf.math.log_sigmoid(real)) + tf.reduce_mean(-tf.math.log_sigmoid(-fake)))
        gradients = tape.gradient(d_loss, self.d.trainable_variables)
        self.descend_d(gradients, self.d.trainable_variables)
        with tf.GradientTape() as tape:
            made = self.g(x, training=True)
            g_loss = tf.reduce_mean(-tf.math.log_sigmoid(self.score(x, made)))
            l1 = tf.reduce_mean(tf.abs(made - y))
            total = g_loss + self.l1_weight * l1
        gradients = tape.gradient(total, self.g.trainable_variables)
        self.descend_g(gradients, self.g.trainable_variables)
        return {"discriminator": d_loss, "generator": g_loss, "l1": l1}


def descent(rate):
    def descend(gradients, variables):
        for gradient, variable in zip(gradients, variables):
            variable.assign_sub(rate * gradient)

    return descend


class Adam:
    """Adam with beta_1 0.5, its corrections in the rate (Kingma and Ba, end of section 2)."""

    def __init__(self, rate):
        self.rate, self.t, self.moments = rate, 0, {}

    def __call__(self, gradients, variables):
        self.t += 1
        for number, (gradient, variable) in enumerate(zip(gradients, variables)):
            m, v = self.moments.get(number, (0, 0))
            m, v = 0.5 * m + 0.5 * gradient, 0.999 * v + 0.001 * gradient**2
            self.moments[number] = m, v
            rate = self.rate * (1 - 0.999**self.t) ** 0.5 / (1 - 0.5**self.t)
            variable.assign_sub(rate * m / (tf.sqrt(v) + 1e-7))


class Pix2PixTest(tf.test.TestCase):
    def compare(self, ours, written, steps=3, only=lambda variable: True):
        for step in range(steps):
            losses = ours.step(batch(step))
            expected = written.step(*batch(step))
            self.assertCountEqual(losses, expected)
            for name in expected:
                self.assertAllClose(losses[name], expected[name], rtol=1e-4, msg=f"{name} of step {step}")
        for network, theirs in zip(parties(ours).values(), (written.g, written.d)):
            for a, b in zip(network.trainable_variables, theirs.trainable_variables):
                if only(a):
                    self.assertAllClose(a, b, atol=1e-5, rtol=1e-4, msg=a.name)

    def test_the_step_is_the_written_one(self):
        self.compare(learner(sgd(0.003), sgd(0.1)), Written(100.0, descent(0.1), descent(0.003)))
        for network, before in zip(*built("ours")):
            kernels = [(a, b) for a, b in zip(network.get_weights(), before) if b.ndim == 4]
            for after, kernel in kernels:
                self.assertGreater(np.abs(after - kernel).max(), 1e-3)

    def test_compiled_it_is_the_same(self):
        compiled, eager = (learner(sgd(0.003), sgd(0.1), whose) for whose in ("ours", "written"))
        self.assertAllClose(compiled.train_step(batch(0)), eager.step(batch(0)), rtol=1e-4)
        for a, b in zip(compiled.trainable_variables, eager.trainable_variables):
            self.assertAllClose(a, b, atol=1e-5, rtol=1e-4)

    def test_the_weight_of_l1(self):
        self.compare(learner(sgd(0.1), sgd(0.1), l1_weight=0.5), Written(0.5, descent(0.1), descent(0.1)))

    def test_with_two_adams(self):
        ours = learner(adam(2e-4), adam(1e-3))
        # A norm takes away what a bias before it adds: there the gradient is noise, and Adam makes a step of it.
        self.compare(ours, Written(100.0, Adam(1e-3), Adam(2e-4)), only=lambda variable: "bias" not in variable.name)

    def test_the_discriminator_goes_first(self):
        losses = {}
        for rate in (0.0, 0.1):
            losses[rate] = learner(sgd(0.0), sgd(rate)).step(batch(0))
        # What it learns in a step is felt in the same step, by the generator only.
        self.assertAllClose(losses[0.0]["discriminator"], losses[0.1]["discriminator"])
        self.assertNotAllClose(losses[0.0]["generator"], losses[0.1]["generator"], rtol=1e-3)

    def test_its_unet_drops_out(self):
        config = Config(objective=Pix2Pix(), image_size="64", width=1)
        network = build.generators(config.architecture, Full(), ("forward",))["forward"]
        x = tf.random.stateless_normal((1, 64, 64, 3), (1, 2))
        made, again = network(x, training=True), network(x, training=True)
        self.assertNotAllClose(made, network(x), atol=1e-4)
        self.assertNotAllClose(made, again, atol=1e-4)

    def test_each_party_learns_only_in_its_own_turn(self):
        for rates, who, still in (
            ((0.1, 0.0), "generators", "discriminators"),
            ((0.0, 0.1), "discriminators", "generators"),
        ):
            ours = learner(*map(sgd, rates))
            before = {kind: network.get_weights() for kind, network in parties(ours).items()}
            ours.step(batch(0))
            after = {kind: network.get_weights() for kind, network in parties(ours).items()}
            for a, b in zip(before[still], after[still]):
                self.assertAllEqual(a, b)
            self.assertTrue(all(not np.array_equal(a, b) for a, b in zip(before[who], after[who])), who)

    def test_half_precision_keeps_float32_weights(self):
        for policy in ("mixed_float16", "mixed_bfloat16"):
            with build.precision(policy):
                ours = learner(adam(2e-4, policy), adam(2e-4, policy), policy)
            generator = ours.generators["forward"]
            self.assertEqual(generator.layers[1].compute_dtype, policy[len("mixed_") :])
            losses = ours.step(batch(0))
            exact = learner(adam(2e-4), adam(2e-4))
            for name, value in exact.step(batch(0)).items():
                self.assertAllClose(losses[name], value, rtol=0.05, msg=name)
            for network in parties(ours).values():
                self.assertEqual({value.dtype.name for value in network.get_weights()}, {"float32"})
            for _ in range(12):  # The first steps of float16 look for a scale that its gradients fit in.
                changed = [(now != then).any() for now, then in zip(generator.get_weights(), built(policy)[1][0])]
                if all(changed):
                    break
                ours.step(batch(0))
            self.assertTrue(all(changed))


if __name__ == "__main__":
    tf.test.main()
