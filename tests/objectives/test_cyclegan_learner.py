"""CycleGAN's step against the same step, written out."""

import functools

import keras
import numpy as np
import tensorflow as tf

from pgtf.assembly import build
from pgtf.config import Config
from pgtf.methods import Full
from pgtf.objectives import CycleGAN
from pgtf.objectives.cyclegan.learner import CycleGANLearner

NAMES = ("forward", "backward", "discriminator_a", "discriminator_b")


def network(name, seed):
    """A network of two layers, as the step is the same with any."""
    draw = [keras.initializers.RandomNormal(stddev=0.3, seed=10 * seed + number) for number in range(2)]
    first = keras.layers.Conv2D(4, 3, padding="same", activation="tanh", kernel_initializer=draw[0])
    filters, activation = (1, None) if name.startswith("discriminator") else (3, "tanh")
    last = keras.layers.Conv2D(filters, 3, padding="same", activation=activation, kernel_initializer=draw[1])
    return keras.Sequential([keras.Input((None, None, 3)), first, last])


@functools.lru_cache(None)
def built(whose):
    """Four networks, no two alike, and their weights."""
    made = [network(name, seed) for seed, name in enumerate(NAMES)]
    return made, [one.get_weights() for one in made]


def networks(whose="ours"):
    """The same networks with the same weights each time; those of another owner are other objects."""
    made, weights = built(whose)
    for network, values in zip(made, weights):
        network.set_weights(values)
    return made


def learner(generator_rate=0.01, discriminator_rate=0.1, whose="ours", seed=0, **settings):
    made = dict(zip(NAMES, networks(whose)))
    optimizers = {
        "generators": keras.optimizers.SGD(generator_rate),
        "discriminators": keras.optimizers.SGD(discriminator_rate),
    }
    return CycleGAN(**{"pool_size": 0, **settings}).learner(
        {name: made[name] for name in NAMES[:2]},
        {name: made[name] for name in NAMES[2:]},
        optimizers,
        image_shape=(16, 16, 3),
        seed=seed,
    )


def parties(ours):
    """Its four networks by name."""
    return {**ours.generators, **ours.discriminators}


def batch(seed, count=2):
    rng = np.random.default_rng(seed)
    return tuple(tf.constant(rng.uniform(-1, 1, (count, 16, 16, 3)), tf.float32) for _ in range(2))


def mean_square(x):
    return tf.reduce_mean(x**2)


def distance(x, y):
    return tf.reduce_mean(tf.abs(x - y))


class Written:
    """CycleGAN's equations: both generators first, then both discriminators, on what the old generators made."""

    def __init__(self, cycle=10.0, identity=0.5, rates=(0.01, 0.1), shown=lambda fake_a, fake_b: (fake_a, fake_b)):
        self.forward, self.backward, self.d_a, self.d_b = networks("written")
        self.cycle, self.identity, self.rates, self.shown = cycle, identity, rates, shown

    def descend(self, rate, tape, loss, networks):
        for network in networks:
            for gradient, variable in zip(
                tape.gradient(loss, network.trainable_variables), network.trainable_variables
            ):
                variable.assign_sub(rate * gradient)

    def step(self, a, b):
        with tf.GradientTape(persistent=True) as tape:
            fake_b, fake_a = self.forward(a), self.backward(b)
            terms = {
                "generator_forward": mean_square(self.d_b(fake_b) - 1),
                "generator_backward": mean_square(self.d_a(fake_a) - 1),
                "cycle_a": distance(self.backward(fake_b), a),
                "cycle_b": distance(self.forward(fake_a), b),
                "identity_a": distance(self.backward(a), a),
                "identity_b": distance(self.forward(b), b),
            }
            adversarial = terms["generator_forward"] + terms["generator_backward"]
            cycles = terms["cycle_a"] + terms["cycle_b"]
            identities = terms["identity_a"] + terms["identity_b"]
            loss = adversarial + self.cycle * cycles + self.cycle * self.identity * identities
        self.descend(self.rates[0], tape, loss, (self.forward, self.backward))
        fake_a, fake_b = self.shown(fake_a, fake_b)
        with tf.GradientTape(persistent=True) as tape:
            terms["discriminator_a"] = 0.5 * (mean_square(self.d_a(a) - 1) + mean_square(self.d_a(fake_a)))
            terms["discriminator_b"] = 0.5 * (mean_square(self.d_b(b) - 1) + mean_square(self.d_b(fake_b)))
        self.descend(self.rates[1], tape, terms["discriminator_a"], (self.d_a,))
        self.descend(self.rates[1], tape, terms["discriminator_b"], (self.d_b,))
        return terms

    @property
    def networks(self):
        return self.forward, self.backward, self.d_a, self.d_b


class CycleGANTest(tf.test.TestCase):
    def compare(self, ours, written, steps=2):
        for step in range(steps):
            # Near a kink of |x| or of a ReLU rounding decides a gradient's sign; these images are near none.
            images = batch(step + 2)
            losses = ours.step(images)
            expected = written.step(*images)
            self.assertCountEqual(losses, expected)
            for name in expected:
                self.assertAllClose(losses[name], expected[name], rtol=1e-4, msg=f"{name} of step {step}")
        for name, theirs in zip(NAMES, written.networks):
            for a, b in zip(parties(ours)[name].trainable_variables, theirs.trainable_variables):
                self.assertAllClose(a, b, atol=1e-5, rtol=1e-4, msg=f"{name}/{a.name}")

    def test_the_step_is_the_written_one(self):
        self.compare(learner(), Written())
        self.assertCountEqual(learner().means, CycleGANLearner.LOSSES)

    def test_compiled_it_is_the_same(self):
        compiled, eager = learner(pool_size=2), learner(pool_size=2, whose="written")
        self.assertAllClose(compiled.train_step(batch(0)), eager.step(batch(0)), rtol=1e-4)
        for a, b in zip(compiled.trainable_variables, eager.trainable_variables):
            self.assertAllClose(a, b, atol=1e-5, rtol=1e-4, msg=a.name)

    def test_weights_of_the_terms(self):
        self.compare(learner(cycle_weight=0.5, identity_weight=3.0), Written(0.5, 3.0), steps=1)

    def test_without_identity(self):
        self.compare(learner(identity_weight=0.0), Written(identity=0.0), steps=1)

    def test_no_term_is_like_another(self):
        # Else a mix-up of A and B, or of the two generators, would not show above.
        terms = [float(value) for value in Written().step(*batch(0)).values()]
        self.assertGreater(np.abs(np.subtract.outer(terms, terms) + 9 * np.eye(8)).min(), 1e-4)

    def test_discriminators_are_shown_what_the_pool_gives(self):
        ours = learner(pool_size=3)
        ours.pool_a.query = lambda made: 0 * made + 0.3
        ours.pool_b.query = lambda made: 0 * made - 0.6
        shown = tf.fill((2, 16, 16, 3), 0.3), tf.fill((2, 16, 16, 3), -0.6)
        self.compare(ours, Written(shown=lambda fake_a, fake_b: shown), steps=1)

    def test_the_pool_is_given_what_the_generators_made_before_their_step(self):
        ours = learner(pool_size=5)
        forward, backward = networks("written")[:2]
        a, b = batch(0)
        ours.step((a, b))
        for pool, made in ((ours.pool_a, backward(b)), (ours.pool_b, forward(a))):
            self.assertEqual(int(pool.seen), 2)
            self.assertAllClose(pool.images[:2], made, atol=1e-5)
            self.assertAllEqual(pool.images[2:], tf.zeros((3, 16, 16, 3)))

    def test_the_pools_draw_by_themselves(self):
        # Shown the same images, no two of them give the same ones: neither the two of a task, nor those of two seeds.
        numbered = tf.reshape(tf.range(24.0), (24, 1, 1, 1)) * tf.ones((16, 16, 3))
        pools = [pool for seed in ("0/0", "0/1") for pool in self.pools(learner(pool_size=4, seed=seed))]
        shown = {tuple(pool.query(numbered)[:, 0, 0, 0].numpy()) for pool in pools}
        self.assertLen(shown, 4)

    def pools(self, ours):
        return ours.pool_a, ours.pool_b

    def test_its_unet_does_not_drop_out(self):
        config = Config(objective=CycleGAN(), network="unet", image_size="64", width=1)
        network = build.generators(config.architecture, Full(), ("forward",))["forward"]
        x = tf.random.stateless_normal((1, 64, 64, 3), (1, 2))
        self.assertAllEqual(network(x, training=True), network(x))

    def test_each_party_learns_only_in_its_own_turn(self):
        for rates, learn in (((0.01, 0.0), NAMES[:2]), ((0.0, 0.1), NAMES[2:])):
            ours = learner(*rates)
            before = {name: parties(ours)[name].get_weights() for name in NAMES}
            ours.step(batch(0))
            for name in NAMES:
                for was, now in zip(before[name], parties(ours)[name].get_weights()):
                    if name not in learn:
                        self.assertAllEqual(was, now)
                    elif was.ndim == 4:
                        self.assertNotAllEqual(was, now)

    def test_generators_go_first(self):
        # The discriminators' losses don't feel what the generators learn in the same step, nor the other way round.
        still, moving = (learner(rate, rate).step(batch(0)) for rate in (0.0, 0.5))
        for name in still:
            self.assertAllClose(still[name], moving[name], rtol=1e-5, msg=name)

    def test_a_discriminator_sees_only_its_own_side(self):
        a, b = batch(0)
        first, other = (learner(0.0).step((x, b)) for x in (a, -a))
        self.assertNotAllClose(first["discriminator_a"], other["discriminator_a"], rtol=1e-5)
        # B's changes too, as what forward made of the other image.
        losses = []
        for x in (a, -a):
            ours = learner(0.0)
            ours.pool_b.query = lambda made: 0 * made
            losses.append(ours.step((x, b))["discriminator_b"])
        self.assertAllEqual(*losses)


if __name__ == "__main__":
    tf.test.main()
