"""The colours to draw with are those of the inputs."""

import numpy as np
from absl.testing import absltest

from pgtf.studio.palette import palette


def picture(*counts):
    """Pixels of colours, shuffled: (colour, how many), …"""
    pixels = np.concatenate([np.tile(np.array(colour, "uint8"), (count, 1)) for colour, count in counts])
    np.random.default_rng(0).shuffle(pixels)
    return pixels.reshape(1, -1, 3)


class PaletteTest(absltest.TestCase):
    def test_the_colours_of_label_maps_exactly_the_most_frequent_first(self):
        labels = [picture(((0, 0, 221), 70), ((255, 170, 0), 30)), picture(((170, 0, 0), 60), ((0, 0, 221), 40))]
        self.assertEqual(palette(labels), ["#0000dd", "#aa0000", "#ffaa00"])

    def test_colours_between_labels_are_left_out(self):
        between = [((0, 0, 221 - shade), 6) for shade in range(1, 40)]
        self.assertEqual(
            palette([picture(((0, 0, 221), 50), ((255, 255, 255), 300), *between)]), ["#ffffff", "#0000dd"]
        )

    def test_edges(self):
        self.assertEqual(palette([picture(((255, 255, 255), 900), ((0, 0, 0), 100))]), ["#ffffff", "#000000"])

    def test_rare_colours_and_too_many(self):
        self.assertEqual(palette([picture(((255, 255, 255), 9999), ((0, 0, 0), 1))]), ["#ffffff"])
        many = [((64 * (n % 4), 64 * (n // 4), 0), 100 - n) for n in range(16)]
        self.assertEqual(palette([picture(*many)], most=3), ["#000000", "#400000", "#800000"])


if __name__ == "__main__":
    absltest.main()
