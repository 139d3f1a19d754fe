"""The generated images that a discriminator is shown again."""

from __future__ import annotations

import tensorflow as tf

from pgtf.seeds import counted, seed_of


class ImagePool(tf.Module):
    """A pool of `size` images, as variables: it runs inside the compiled step and goes into the checkpoint.

    While the pool is not full, an image goes in and comes out; after that, with chance ½, it takes a random place in
    the pool and the image that was there comes out. The n-th draw is a pure function of (seed, name, n).
    """

    def __init__(self, size: int, shape: tuple[int, ...], seed: str | int = 0, name: str = "image_pool"):
        super().__init__(name=name)
        self.size, self.seed = size, seed_of(seed, name)
        self.images = tf.Variable(tf.zeros([max(size, 1), *shape]), trainable=False, name="images")
        self.seen = tf.Variable(0, trainable=False, dtype=tf.int32, name="seen")

    def query(self, batch: tf.Tensor) -> tf.Tensor:
        """For each image of a batch [n, h, w, c], itself or an older one."""
        if self.size == 0:
            return batch
        return tf.stack([self._exchange(image) for image in tf.unstack(batch)])

    def _exchange(self, image):
        chance = tf.random.stateless_uniform([2], counted(self.seed, self.seen))
        filling = self.seen < self.size
        place = tf.where(filling, self.seen, tf.cast(chance[1] * self.size, tf.int32))
        old = self.images.sparse_read(place)
        # Reading comes before writing: the assignments below are ordered after it by automatic control dependencies.
        takes = tf.logical_or(filling, chance[0] < 0.5)
        self.images.scatter_nd_update([[place]], [tf.where(takes, image, old)])
        self.seen.assign_add(1)
        return tf.where(filling | ~takes, image, old)
