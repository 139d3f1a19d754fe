"""The training step of unconditional generation."""

from typing import Any

import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation.seeds import counted, seed_of
from pgtf.networks.stylegan2 import halves
from pgtf.objectives.learner import Learner
from pgtf.objectives.unconditional.augment import CHANCES, augmented

PATH_DECAY = 0.99  # Of the moving average of path lengths.


class UnconditionalLearner(Learner):
    """Trains a generator against a discriminator: softplus(-D(G(z))), and softplus(D(G(z))) + softplus(-D(x)).

    R1:           γ/2 · E |∇ D(x)|²                at every `r1_every`-th step, times `r1_every`
    Path length:  E (|∇ᵀ_w G(w) · noise| - a)²     at every `path_length_every`-th, times that; a: its moving average

    All random numbers of a step are functions of the seed and the number of the step.
    """

    LOSSES = ("generator", "discriminator", "r1", "path_length")

    def __init__(self, *networks: Any, image_shape: tuple[int, int, int], seed: Any = 0) -> None:
        super().__init__(*networks, image_shape=image_shape, seed=seed)
        mapping, synthesis = halves(self.generators["forward"])
        self._mapping, self._synthesis = lambda z: mapping(z, training=True), lambda w: synthesis(w, training=True)
        self._shape, self._seed = tuple(image_shape), seed
        self._latent, self._styles = mapping.inputs[0].shape[-1], mapping.outputs[0].shape[1]
        self.count = tf.Variable(0, dtype=tf.int64, name="count", **replicas.REPLICA_LOCAL)
        self.path_length = tf.Variable(0.0, name="path_length", **replicas.REPLICA_LOCAL)

    def step(self, batch: tuple) -> dict[str, tf.Tensor]:
        real = tf.convert_to_tensor(batch[0])
        rows = real.shape[0]
        due = self._is_due(self.objective.path_length_every, self.objective.path_length_weight)
        noise = self._noise(rows, due)
        given = self._latents("generator", rows), self._chances("generator", rows), noise
        first, _ = self.descend("generators", self._of_generator, *given[0], *given[1:])
        self._follow(first.pop("length"), due)
        z, cut = self._latents("discriminator", rows)
        seen, shown = self._chances("real", rows), self._chances("generated", rows)
        second, _ = self.descend("discriminators", self._of_discriminator, real, z, cut, seen, shown)
        self.count.assign_add(1)
        return {**first, **second}

    def _of_generator(self, z, cut, chances, noise):
        fake = self._synthesis(self._mixed(z, cut))
        terms = {"generator": tf.reduce_mean(tf.nn.softplus(-self._scores(fake, chances)))}
        every, weight = self.objective.path_length_every, self.objective.path_length_weight
        penalty = length = tf.constant(0.0)
        if weight:
            due = self._is_due(every, weight)
            penalty, length = tf.cond(due, lambda: self._path_penalty(z, cut, noise), lambda: (penalty, length))
        terms["path_length"] = every * weight * penalty
        penalties = self.penalties(forward=(z[:, 0], fake))
        return sum(terms.values()) + sum(penalties.values()), {**terms, **penalties, "length": length}, ()

    def _of_discriminator(self, real, z, cut, seen, shown):
        fake = tf.stop_gradient(self._synthesis(self._mixed(z, cut)))
        scores = self._scores(real, seen), self._scores(fake, shown)
        loss = tf.reduce_mean(tf.nn.softplus(scores[1])) + tf.reduce_mean(tf.nn.softplus(-scores[0]))
        every, weight, penalty = self.objective.r1_every, self.objective.r1_weight, tf.constant(0.0)
        if weight:
            penalty = tf.cond(self._is_due(every, weight), lambda: self.r1(real, seen), lambda: penalty)
        penalty *= every * weight / 2
        return loss + penalty, {"discriminator": loss, "r1": penalty}, ()

    def r1(self, real: tf.Tensor, chances: tf.Tensor) -> tf.Tensor:
        """Returns the mean over images of |∇ D(x)|²."""
        with tf.GradientTape() as tape:
            tape.watch(real)
            total = tf.reduce_sum(self._scores(real, chances))
        return tf.reduce_mean(tf.reduce_sum(tf.square(tape.gradient(total, real)), [1, 2, 3]))

    def _path_penalty(self, z, cut, noise):
        """Returns the path length penalty and the mean path length, of every second example on each device."""
        styles = self._mixed(z[::2], cut[::2])
        with tf.GradientTape() as tape:
            tape.watch(styles)
            total = tf.reduce_sum(self._synthesis(styles) * noise[::2])
        gradient = tf.cast(tape.gradient(total, styles), tf.float32)
        lengths = tf.sqrt(tf.reduce_mean(tf.reduce_sum(tf.square(gradient), 2), 1))
        average = tf.convert_to_tensor(self.path_length)
        return tf.reduce_mean(tf.square(lengths - average)), tf.reduce_mean(lengths)

    def _follow(self, length, due):
        """Updates the moving average of path lengths."""
        length = replicas.mean({"length": length})["length"]
        share = tf.cast(due, tf.float32) * (1 - PATH_DECAY)
        self.path_length.assign_add(share * (length - self.path_length))

    def _scores(self, images, chances):
        return self.discriminators["discriminator"](
            augmented(images, chances, self.objective.augmentations), training=True
        )

    def _mixed(self, z, cut):
        """Returns styles [n, styles, values]: those from index `cut` on are of the second latent."""
        if not self._mixing:
            return self._mapping(z[:, 0])
        one, other = tf.split(self._mapping(tf.concat([z[:, 0], z[:, 1]], 0)), 2)
        return tf.where((tf.range(self._styles)[None] < cut[:, None])[..., None], one, other)

    @property
    def _mixing(self) -> float:
        """Fraction of images with style mixing; 0 where a penalty needs images of the same latent."""
        return 0.0 if self.penalty else self.objective.style_mixing

    def _is_due(self, every, weight):
        return tf.equal(self.count % every, 0) if weight else tf.constant(False)

    def _seed_of(self, name):
        return counted(seed_of(self._seed, "unconditional", name), self.count)

    def _latents(self, name, rows):
        """Returns pairs of latents [n, 2, values], and where the second one's styles begin [n]."""
        whole = replicas.count() * rows
        z = tf.random.stateless_normal([whole, 2, self._latent], self._seed_of(f"{name}/latents"))
        chance = tf.random.stateless_uniform([whole, 2], self._seed_of(f"{name}/mixing"))
        place = 1 + tf.cast(chance[:, 1] * (self._styles - 1), tf.int32)
        cut = tf.where(chance[:, 0] < self._mixing, place, self._styles)
        return replicas.local_shard(z), replicas.local_shard(cut)

    def _chances(self, name, rows):
        """Returns the random numbers of augmentation, [n, 7]."""
        if not self.objective.augment:
            return tf.zeros([rows, CHANCES])
        whole = [replicas.count() * rows, CHANCES]
        return replicas.local_shard(tf.random.stateless_uniform(whole, self._seed_of(f"{name}/augment")))

    def _noise(self, rows, due):
        """Returns the noise of path lengths, of length 1 on average, [n, h, w, c]; zeros where it is not due."""
        height, width, _ = self._shape
        whole = [replicas.count() * rows, *self._shape]

        def drawn():
            return tf.random.stateless_normal(whole, self._seed_of("path")) * (height * width) ** -0.5

        return replicas.local_shard(tf.cond(due, drawn, lambda: tf.zeros(whole)))
