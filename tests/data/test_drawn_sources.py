"""Sources of drawn images."""

import numpy as np
from absl.testing import absltest

from pgtf.data.drawn_sources import Drawn


class DrawnTest(absltest.TestCase):
    def test_flipped_turns_the_pair_around(self):
        there, back = (Drawn("facades", 2, 24, 24, flipped=flipped)[1] for flipped in (False, True))
        np.testing.assert_array_equal(there, back[::-1])
        self.assertGreater(np.abs(there[0].astype(int) - there[1]).max(), 20)

    def test_first_is_where_it_begins(self):
        np.testing.assert_array_equal(Drawn("maps", 5, 24, 24)[3], Drawn("maps", 5, 24, 24, first=3)[0])

    def test_any_size(self):
        self.assertEqual(Drawn("maps", 1, 24, 40)[0].shape, (2, 24, 40, 3))


if __name__ == "__main__":
    absltest.main()
