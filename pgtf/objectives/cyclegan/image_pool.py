"""Image pool: a buffer of earlier generated images for the discriminator."""

from __future__ import annotations

import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation.seeds import counted, seed_of


class ImagePool(tf.Module):
    """A pool of `size` images in variables, so that it runs inside the compiled step and is part of the checkpoint.

    While the pool is not full, each image is stored and returned. Afterwards, with probability ½, an image replaces a
    random one of the pool, which is returned instead. The n-th draw is a pure function of (seed, name, n).
    """

    def __init__(self, size: int, shape: tuple[int, ...], seed: str | int = 0, name: str = "image_pool"):
        super().__init__(name=name)
        self.size, self.seed = size, seed_of(seed, name)
        self.images = tf.Variable(tf.zeros([max(size, 1), *shape]), name="images", **replicas.REPLICA_LOCAL)
        self.seen = tf.Variable(0, dtype=tf.int32, name="seen", **replicas.REPLICA_LOCAL)

    def query(self, batch: tf.Tensor) -> tf.Tensor:
        """Returns, for each image of a batch [n, h, w, c], the image or an older one."""
        if self.size == 0:
            return batch
        whole = replicas.all_gather(batch)
        return replicas.local_shard(tf.stack([self._exchange(image) for image in tf.unstack(whole)]))

    def _exchange(self, image):
        chance = tf.random.stateless_uniform([2], counted(self.seed, self.seen))
        filling = self.seen < self.size
        place = tf.where(filling, self.seen, tf.cast(chance[1] * self.size, tf.int32))
        # Through the handle: otherwise a replica-local variable can be read and written only as a whole.
        images = self.images.handle
        old = tf.raw_ops.ResourceGather(resource=images, indices=place, dtype=tf.float32)
        # The read precedes the writes below, by automatic control dependencies.
        takes = tf.logical_or(filling, chance[0] < 0.5)
        tf.raw_ops.ResourceScatterUpdate(resource=images, indices=place, updates=tf.where(takes, image, old))
        self.seen.assign_add(1)
        return tf.where(filling | ~takes, image, old)
