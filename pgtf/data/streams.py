"""Streams: training batches as a pure function of (seed, step). To resume, start at a later step."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from pgtf.data.sources import Source
from pgtf.foundation.seeds import counted, seed_of

PARALLEL = max(2, min(8, (os.cpu_count() or 1) // 2))  # Examples that are decoded at once; the order does not change.


class Stream:
    """Batches ([b, h, w, 3], …) in [-1, 1], one entry for each image of each source's stack, and one for its labels.

    Each source is read in its own order, which is reshuffled in every epoch.

    Args:
      sources: The sources.
      height, width: Size that images are cropped to.
      seed, name: Seed and name of the stream's random numbers.
      batch_size: Examples in a batch. Default: 1.
      pairs_apart: Whether the sources are the two sides of pairs, used as unpaired images. The second source then has
        the first's order, half an epoch behind, so that the two images of a pair are never in the same batch.
      augment: Whether to crop at random and flip half of the examples; else the center is cropped. Default: True.
      flip: Whether to flip at all. Default: True.
      padding: Pixels of gray around each image before it is cropped. Default: 0.
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
        flip: bool = True,
        padding: int = 0,
    ):
        self.sources, self.height, self.width = sources, height, width
        self.batch_size, self.pairs_apart = batch_size, pairs_apart
        self.augment, self.flip, self.padding = augment, flip, padding
        self._order_seeds = [seed_of(seed, name, number, "order") for number in range(len(sources))]
        self._crop_seeds = [seed_of(seed, name, number, "crop") for number in range(len(sources))]
        self.failure: Exception | None = None
        counts = [len(source) for source in sources]
        if min(counts) < (2 if pairs_apart else 1) * batch_size:
            each = "two images (pairs are used as unpaired images)" if pairs_apart else "one image"
            raise ValueError(
                f"A task needs at least {each} for each example of a batch. Received: {min(counts)} images, "
                f"batch size {batch_size}"
            )
        self.steps_per_epoch = math.ceil(max(counts) / batch_size)

    def dataset(
        self, start: int, steps: int, *, replicas: int = 1, worker: int = 0, workers: int = 1
    ) -> tf.data.Dataset:
        """Returns a worker's shards of the batches of steps start, …, steps - 1; a batch has one shard per replica."""
        positions = tf.data.Dataset.range(start * self.batch_size, steps * self.batch_size)
        if workers > 1:
            share = self.batch_size // workers
            positions = positions.filter(lambda position: position % self.batch_size // share == worker)
        examples = positions.map(self._example, num_parallel_calls=PARALLEL, deterministic=True)
        return examples.batch(self.batch_size // replicas, drop_remainder=True).prefetch(8)

    def distributed(self, start: int, steps: int) -> Any:
        """Returns `dataset`, distributed over the replicas of the current strategy."""
        return _distributed(self.dataset, start, steps)

    @tf.autograph.experimental.do_not_convert  # There is nothing to convert, and looking for it takes half a second.
    def _example(self, position):
        entries = []
        for number, source in enumerate(self.sources):
            index = self._index(position, number, len(source))
            entries.extend(self._augmented(self._fetch(number, index), position, number))
            if source.labels is not None:
                entries.append(tf.gather(source.labels, index))
        return tuple(entries)

    def _index(self, position, number, count):
        order, length = number, count
        if self.pairs_apart:
            # Only whole batches, the last one filled up from the epoch's start: a batch across two orders could hold
            # both images of a pair.
            order, length = 0, self.steps_per_epoch * self.batch_size
        epoch, place = position // length, position % length
        if self.pairs_apart and number == 1:
            place += count // 2
        # Hashed because index_shuffle truncates its seed to 32 bits, and shuffles alike for consecutive seeds.
        seed = tf.random.stateless_uniform([2], counted(self._order_seeds[order], epoch), None, None, tf.int32)
        return tf.random.experimental.index_shuffle(place % count, seed, count - 1)

    def _fetch(self, number, index):
        def fetch(index):
            try:
                return self.sources[number][int(index)]
            except Exception as error:
                self.failure = error  # tf.data keeps only the error's text.
                raise

        source = self.sources[number]
        kinds = [tf.as_dtype(kind) for _, kind in source.formats]
        stack = tf.numpy_function(lambda index: list(fetch(index)), [index], kinds, stateful=False)
        shapes = [(source.height, source.width, channels) for channels, _ in source.formats]
        return [tf.ensure_shape(image, shape) for image, shape in zip(stack, shapes)]

    def _augmented(self, stack, position, number):
        """Scales images to [-1, 1], crops at random and flips half of the time, the same for the whole stack."""
        images = [tf.cast(x, tf.float32) / 127.5 - 1 if x.dtype == tf.uint8 else x for x in stack]
        if self.padding:
            images = [tf.pad(x, [[self.padding] * 2, [self.padding] * 2, [0, 0]]) for x in images]
        height, width, _ = images[0].shape
        top, left = (height - self.height) // 2, (width - self.width) // 2
        if self.augment:
            chance = tf.random.stateless_uniform([3], counted(self._crop_seeds[number], position))
            room = tf.constant([height - self.height + 1, width - self.width + 1], tf.float32)
            top, left = tf.unstack(tf.cast(chance[:2] * room, tf.int32))
            if self.flip:
                flips = chance[2] < 0.5
                images = [tf.cond(flips, lambda x=x: tf.reverse(x, [1]), lambda x=x: x) for x in images]
        sizes = [[self.height, self.width, x.shape[-1]] for x in images]
        return [tf.ensure_shape(tf.slice(x, [top, left, 0], size), size) for x, size in zip(images, sizes)]


class Streams:
    """Several streams zipped: each step has a batch of each stream."""

    def __init__(self, streams: Sequence[Stream]):
        self.streams = streams

    @property
    def failure(self) -> Exception | None:
        """The first error of a stream, or None."""
        return next((stream.failure for stream in self.streams if stream.failure), None)

    def dataset(self, start: int, steps: int, **pipeline: int) -> tf.data.Dataset:
        """Returns a worker's shards of the batches of steps start, …, steps - 1. pipeline: As for `Stream.dataset`."""
        return tf.data.Dataset.zip(tuple(stream.dataset(start, steps, **pipeline) for stream in self.streams))

    def distributed(self, start: int, steps: int) -> Any:
        """Returns `dataset`, distributed over the replicas of the current strategy."""
        return _distributed(self.dataset, start, steps)


def _distributed(dataset: Callable[..., tf.data.Dataset], start: int, steps: int) -> Any:
    """Returns a stream's dataset, distributed over the replicas of the current strategy."""
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return dataset(start, steps)

    def own(context):
        pipeline = dict(worker=context.input_pipeline_id, workers=context.num_input_pipelines)
        shards = dataset(start, steps, replicas=replicas, **pipeline)
        # For a finite dataset, workers would agree at each step on whether it ended, and batch sizes be unknown.
        return shards.repeat() if context.num_input_pipelines > 1 else shards

    return strategy.distribute_datasets_from_function(own)
