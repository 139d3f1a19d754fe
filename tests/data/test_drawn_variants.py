"""NAME#N: a drawn task of its own for each way to exchange and invert the colours of NAME's targets."""

import numpy as np
from absl.testing import absltest, parameterized

from pgtf.data.drawn import VARIANTS, draw, is_drawn
from pgtf.data.finder import Finder


class VariantsTest(parameterized.TestCase):
    def test_inputs_are_the_same_and_targets_all_different(self):
        pairs = [draw("facades", 3, 16)] + [draw(f"facades#{number}", 3, 16) for number in range(1, VARIANTS)]
        self.assertLen({given.tobytes() for given, _ in pairs}, 1)
        self.assertLen({target.tobytes() for _, target in pairs}, VARIANTS)

    def test_two_by_hand(self):
        _, target = draw("maps", 0, 16)
        np.testing.assert_array_equal(draw("maps#1", 0, 16)[1], target[..., [0, 2, 1]])
        # 9 is 1 × 6 + 3: the first channel inverted, and the fourth order of the channels.
        first, second, third = np.moveaxis(target[..., [1, 2, 0]], -1, 0)
        np.testing.assert_array_equal(draw("maps#9", 0, 16)[1], np.stack([255 - first, second, third], -1))

    @parameterized.parameters(
        "maps#0", "maps#48", "maps#01", "maps#", "maps#x", "maps#1#2", "shoes#1", "maps#²", "#1", ""
    )
    def test_other_names_are_refused(self, name):
        self.assertFalse(is_drawn(name))
        with self.assertRaisesRegex(ValueError, "must be a drawn one: .*each also as NAME#1 … NAME#47. Received"):
            Finder("", "pairs", (16, 16), (16, 16))(name)


if __name__ == "__main__":
    absltest.main()
