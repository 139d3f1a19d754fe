"""Random streams: one for each name, and no two alike."""

import numpy as np
import tensorflow as tf

from pgtf.data.sources import Source
from pgtf.data.streams import Stream
from pgtf.foundation.seeds import counted, seed_of
from pgtf.objectives.cyclegan.image_pool import ImagePool

COUNT = 250  # Draws of each stream; also images of each source, so that all are in one pass.
ROOM = 100  # Places for a crop along each axis, and places in a pool.


class Coordinates(Source):
    """Single images whose pixels say where they are from: channels (index, row, column)."""

    images, height, width = 1, ROOM, ROOM + 1

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        rows, columns = np.mgrid[: self.height, : self.width]
        return np.stack([np.full_like(rows, index), rows, columns], -1)[None].astype("uint8")


def drawn_by_stream(seed, name):
    """{what: [COUNT]} of a stream of two sources: order, crop and turn of each."""
    found = {}
    dataset = Stream([Coordinates(), Coordinates()], 1, 2, seed=seed, name=name).dataset(0, COUNT)
    for number, images in enumerate(zip(*dataset.as_numpy_iterator())):
        index, rows, columns = np.rint((np.concatenate(images)[:, 0] + 1) * 127.5).astype(int).transpose(2, 0, 1)
        found[f"order of {number}"], found[f"top of {number}"] = index[:, 0], rows[:, 0]
        found[f"left of {number}"], found[f"turn of {number}"] = columns.min(1), columns[:, 0] > columns[:, 1]
    return found


def drawn_by_pool(seed, name):
    """{what: [COUNT]} of a full pool: whether it takes an image, and the place that it then takes."""
    pool = ImagePool(ROOM, (1,), seed, name)
    pool.seen.assign(ROOM)
    query, found, held = tf.function(pool.query), [], pool.images.numpy()
    for number in range(1, COUNT + 1):
        query(tf.fill((1, 1), float(number)))
        changed = np.flatnonzero(pool.images.numpy() != held)
        held = pool.images.numpy()
        found.append((len(changed), changed[0] if len(changed) else ROOM / 2))
    return dict(zip(("takes", "place"), np.transpose(found)))


class SeedOfTest(tf.test.TestCase):
    def test_a_name_has_one_seed_of_63_bits(self):
        # printf 0/forward/down1 | sha256sum
        self.assertEqual(seed_of("0/forward/down1"), 0xDEA90C0EC1A40182 >> 1)
        self.assertEqual(seed_of(0, "forward", "down1"), seed_of("0/forward/down1"))
        seeds = [seed_of(0, "layer", number) for number in range(10_000)]
        self.assertLen(set(seeds), 10_000)
        bits = np.array([[seed >> bit & 1 for bit in range(64)] for seed in seeds]).mean(0)
        self.assertAllClose(bits, [0.5] * 63 + [0], atol=0.025)  # Five standard deviations.

    def test_a_small_counter_does_not_cut_a_seed(self):
        seed = 5 + 2**40
        for count in (3, tf.constant(3, tf.int32), tf.Variable(3, dtype=tf.int32), tf.constant(3, tf.int64)):
            self.assertAllEqual(counted(seed, count), tf.constant([seed, 3], tf.int64))


class StreamsTest(tf.test.TestCase):
    def test_no_two_streams_are_alike(self):
        streams = [drawn_by_stream(0, "stream"), drawn_by_stream(1, "stream"), drawn_by_stream(0, "other")]
        pools = [drawn_by_pool(0, "pool_a"), drawn_by_pool(0, "pool_b"), drawn_by_pool(1, "pool_a")]
        columns = {
            f"{what}, owner {number}": values.astype(float)
            for number, owner in enumerate(streams + pools)
            for what, values in owner.items()
        }
        alike = np.corrcoef(list(columns.values()))
        self.assertAllClose(np.diag(alike), np.ones(len(columns)))  # Everything varies.
        names = list(columns)
        for row, column in zip(*np.nonzero(np.tril(np.abs(alike), -1) > 5 / np.sqrt(COUNT))):
            self.fail(f"{names[row]} is like {names[column]}: {alike[row, column]:.2f}")

    def test_one_name_is_one_stream(self):
        for drawn in (drawn_by_stream, drawn_by_pool):
            once, again = drawn("7/1", "mine"), drawn("7/1", "mine")
            for what in once:
                self.assertAllEqual(once[what], again[what])


if __name__ == "__main__":
    tf.test.main()
