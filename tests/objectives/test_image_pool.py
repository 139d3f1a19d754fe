"""The pool: it fills up first, then swaps half the time; and it is a state that can be saved."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.objectives.cyclegan.image_pool import ImagePool


def numbered(first, count=1):
    """Images that say which they are: [count, 2, 3, 1]."""
    return tf.reshape(tf.range(first, first + count, dtype=tf.float32), (-1, 1, 1, 1)) * tf.ones((1, 2, 3, 1))


def pool(size, seed=0):
    return ImagePool(size, (2, 3, 1), seed)


def drawn(pool, first, count, batch=1, query=None):
    """Queries a pool with images first, first + 1, …, and returns the numbers of those that come out."""
    query = query or pool.query
    shown = [query(numbered(number, batch)) for number in range(first, first + count, batch)]
    images = np.concatenate(shown)
    np.testing.assert_array_equal(images, images[:, :1, :1] * np.ones((1, 2, 3, 1)))  # Whole images, not parts.
    return images[:, 0, 0, 0].astype(int).tolist()


class ImagePoolTest(tf.test.TestCase, parameterized.TestCase):
    def test_it_fills_up_first(self):
        own = pool(7)
        self.assertEqual(drawn(own, 1, 7), list(range(1, 8)))
        self.assertAllEqual(own.images[:, 0, 0, 0], range(1, 8))

    def test_then_it_swaps_half_the_time_everywhere(self):
        size, count = 5, 500
        own = pool(size)
        drawn(own, 0, size)
        held, swaps = list(range(size)), np.zeros(size, int)
        for number, out in enumerate(drawn(own, size, count), size):
            if out != number:
                self.assertIn(out, held)  # What comes out was put in, and has not come out before.
                place = held.index(out)
                swaps[place] += 1
                held[place] = number
        self.assertAllEqual(own.images[:, 0, 0, 0], held)
        # Five standard deviations of 500 throws at ½, and of each place's share of them.
        self.assertBetween(swaps.sum(), 250 - 5 * 11.2, 250 + 5 * 11.2)
        for place in swaps:
            self.assertBetween(place, 50 - 5 * 6.7, 50 + 5 * 6.7)

    @parameterized.parameters(2, 3)
    def test_a_batch_goes_in_one_by_one(self, batch):
        self.assertEqual(drawn(pool(4), 0, 60, batch), drawn(pool(4), 0, 60))

    def test_an_image_may_meet_one_of_its_own_batch(self):
        found = False
        for start in range(0, 200, 4):
            own = pool(1, seed=start)
            drawn(own, 1000, 1)
            shown = drawn(own, 0, 4, batch=4)
            found = found or any(number in shown[place + 1 :] for place, number in enumerate(range(3)))
        self.assertTrue(found)

    def test_no_pool(self):
        self.assertEqual(drawn(pool(0), 0, 20), list(range(20)))

    def test_inside_a_function_it_is_the_same_and_reads_before_it_writes(self):
        own = pool(2)
        inside = drawn(own, 0, 60, batch=3, query=tf.function(own.query))
        self.assertEqual(inside, drawn(pool(2), 0, 60))

    def test_restored_it_draws_what_it_would_have_drawn(self):
        own = pool(4, seed=3)
        drawn(own, 0, 30)
        path = tf.train.Checkpoint(pool=own).save(self.create_tempdir().full_path + "/ckpt")
        future = drawn(own, 30, 30)
        again = pool(4, seed=3)
        tf.train.Checkpoint(pool=again).restore(path).assert_consumed()
        self.assertEqual(drawn(again, 30, 30), future)
        self.assertNotEqual(drawn(pool(4, seed=3), 30, 30), future)

    def test_another_seed_draws_otherwise(self):
        self.assertNotEqual(drawn(pool(3), 0, 60), drawn(pool(3, seed=1), 0, 60))


if __name__ == "__main__":
    tf.test.main()
