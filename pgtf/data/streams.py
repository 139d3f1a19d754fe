"""Training batches as a pure function of (seed, step): to resume, start at a later step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from pgtf.data.sources import Source
from pgtf.foundation.seeds import counted, seed_of


class Stream:
    """Batches ([b, h, w, 3], …) in [-1, 1], one entry for each image of each source's stack.

    Each source is walked in its own order, newly shuffled for every pass. pairs_apart: the sources are the two sides of
    pairs; the second follows the first's order half a pass behind, so that the two images of a pair never meet.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        height: int,
        width: int,
        *,
        seed: str | int = 0,
        name: str = "stream",
        batch_size: int = 1,
        pairs_apart: bool = False,
        augment: bool = True,
    ):
        self.sources, self.height, self.width = sources, height, width
        self.batch_size, self.pairs_apart, self.augment = batch_size, pairs_apart, augment
        self._order_seeds = [seed_of(seed, name, number, "order") for number in range(len(sources))]
        self._crop_seeds = [seed_of(seed, name, number, "crop") for number in range(len(sources))]
        self.failure: Exception | None = None
        counts = [len(source) for source in sources]
        if min(counts) < (2 if pairs_apart else 1) * batch_size:
            each = "two images (pairs are used without their pairs)" if pairs_apart else "one image"
            raise ValueError(
                f"A task has at least {each} for each place in a batch. Received: {min(counts)} images, "
                f"batch size {batch_size}"
            )
        self.steps_per_epoch = math.ceil(max(counts) / batch_size)

    def dataset(
        self, start: int, steps: int, *, replicas: int = 1, worker: int = 0, workers: int = 1
    ) -> tf.data.Dataset:
        """The batches of steps start, …, steps - 1, each in as many parts as there are replicas; a worker's parts."""
        positions = tf.data.Dataset.range(start * self.batch_size, steps * self.batch_size)
        if workers > 1:
            share = self.batch_size // workers
            positions = positions.filter(lambda position: position % self.batch_size // share == worker)
        examples = positions.map(self._example, num_parallel_calls=2, deterministic=True)
        return examples.batch(self.batch_size // replicas, drop_remainder=True).prefetch(8)

    def distributed(self, start: int, steps: int) -> Any:
        """`dataset`, its parts given to the replicas of the strategy in whose scope this is."""
        strategy = tf.distribute.get_strategy()
        replicas = strategy.num_replicas_in_sync
        if replicas == 1:
            return self.dataset(start, steps)

        def own(context):
            pipeline = dict(worker=context.input_pipeline_id, workers=context.num_input_pipelines)
            dataset = self.dataset(start, steps, replicas=replicas, **pipeline)
            # Where there is an end, workers ask one another at each step for it, and a batch may have any size.
            return dataset.repeat() if context.num_input_pipelines > 1 else dataset

        return strategy.distribute_datasets_from_function(own)

    def _example(self, position):
        entries = []
        for number, source in enumerate(self.sources):
            stack = self._fetch(number, self._index(position, number, len(source)))
            entries.extend(tf.unstack(self._augmented(stack, position, number)))
        return tuple(entries)

    def _index(self, position, number, count):
        order, length = number, count
        if self.pairs_apart:
            # Whole batches, filled up from the pass's beginning: across two orders, pairs could meet in a batch.
            order, length = 0, self.steps_per_epoch * self.batch_size
        epoch, place = position // length, position % length
        if self.pairs_apart and number == 1:
            place += count // 2
        # Hashed: index_shuffle cuts its seed to 32 bits and shuffles alike for numbers that follow one another.
        seed = tf.random.stateless_uniform([2], counted(self._order_seeds[order], epoch), None, None, tf.int32)
        return tf.random.experimental.index_shuffle(place % count, seed, count - 1)

    def _fetch(self, number, index):
        def fetch(index):
            try:
                return self.sources[number][int(index)]
            except Exception as error:
                self.failure = error  # tf.data keeps only its text.
                raise

        source = self.sources[number]
        stack = tf.numpy_function(fetch, [index], tf.uint8, stateful=False)
        return tf.ensure_shape(stack, [source.images, source.height, source.width, 3])

    def _augmented(self, stack, position, number):
        """A random crop, turned over half the time: the same for the whole stack."""
        k, height, width, _ = stack.shape
        x = tf.cast(stack, tf.float32) / 127.5 - 1
        top, left = (height - self.height) // 2, (width - self.width) // 2
        if self.augment:
            chance = tf.random.stateless_uniform([3], counted(self._crop_seeds[number], position))
            room = tf.constant([height - self.height + 1, width - self.width + 1], tf.float32)
            top, left = tf.unstack(tf.cast(chance[:2] * room, tf.int32))
            x = tf.cond(chance[2] < 0.5, lambda: tf.reverse(x, [2]), lambda: x)
        return tf.ensure_shape(
            tf.slice(x, [0, top, left, 0], [k, self.height, self.width, 3]), [k, self.height, self.width, 3]
        )


class Streams:
    """Streams side by side: at each step a batch of each."""

    def __init__(self, streams: Sequence[Stream]):
        self.streams = streams

    @property
    def failure(self) -> Exception | None:
        """What one of them failed with."""
        return next((stream.failure for stream in self.streams if stream.failure), None)

    def dataset(self, start: int, steps: int) -> tf.data.Dataset:
        """The batches of steps start, …, steps - 1."""
        return tf.data.Dataset.zip(tuple(stream.dataset(start, steps) for stream in self.streams))

    def distributed(self, start: int, steps: int) -> tf.data.Dataset:
        """`dataset`: tasks are learnt together on one device."""
        return self.dataset(start, steps)
