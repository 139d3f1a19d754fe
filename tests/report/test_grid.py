"""The grid of runs: each picture in its place, found again in the pixels."""

import dataclasses
import io

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.report import plots
from pgtf.report.content import Comparison, SameInput
from pgtf.report.grid import SIDE, grid
from tests.report.made_runs import run


def flat(number, height=4, width=4):
    """A picture of one colour that no other number has."""
    return np.full([height, width, 3], (10 * number, 255 - 10 * number, 90), "uint8")


def compared(*inputs):
    return Comparison((run(), dataclasses.replace(run(), name="other")), inputs)


def place_of(picture, number):
    """(left, top, width, height) of a flat picture in a PNG file."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    ys, xs = np.nonzero(np.abs(pixels - flat(number)[0, 0]).max(-1) <= 2)
    return xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1


class GridTest(absltest.TestCase):
    def test_a_row_for_each_task_and_a_column_for_each_run(self):
        inputs = (
            SameInput("maps", flat(1), flat(2), {"made": flat(3), "other": flat(4)}),
            SameInput("maps", flat(20), flat(21), {"made": flat(22), "other": flat(23)}),  # Not the task's first.
            SameInput("shoes", flat(5), flat(6), {"made": flat(7), "other": flat(8)}),
        )
        picture = grid(compared(*inputs))
        places = {number: place_of(picture, number) for number in range(1, 9)}
        for row in ((1, 2, 3, 4), (5, 6, 7, 8)):
            self.assertSequenceEqual([places[n][1] for n in row], [places[row[0]][1]] * 4)
            lefts = [places[n][0] for n in row]
            self.assertEqual(lefts, sorted(set(lefts)))
        for one, below in zip((1, 2, 3, 4), (5, 6, 7, 8)):
            self.assertEqual(places[one][0], places[below][0])
            self.assertGreater(places[below][1], places[one][1] + places[one][3])
        self.assertLess(abs(places[1][2] - SIDE), 0.2 * SIDE)
        with self.assertRaises(ValueError):
            place_of(picture, 20)

    def test_other_shapes_are_whole_and_what_is_missing_is_white(self):
        inputs = (SameInput("maps", flat(1, 10, 40), None, {"made": flat(2, 40, 10), "other": None}),)
        picture = grid(compared(*inputs))
        (_, _, width, height), (_, _, w, h) = place_of(picture, 1), place_of(picture, 2)
        self.assertAlmostEqual(width / height, 4, delta=0.3)
        self.assertAlmostEqual(h / w, 4, delta=0.3)

    def test_runs_without_a_common_task_are_refused(self):
        with self.assertRaisesRegex(ValueError, "need a task of the same name. Received: made, other, which have none"):
            grid(compared())

    def test_the_names(self):
        figure = plots.picture_table(np.zeros([2, 3, 4, 4, 3], "uint8"), ["a", "b"], ["x", "y", "z"], 2)
        (axes,) = figure.axes
        self.assertEqual([label.get_text() for label in axes.get_xticklabels()], ["x", "y", "z"])
        self.assertEqual([label.get_text() for label in axes.get_yticklabels()], ["a", "b"])


if __name__ == "__main__":
    absltest.main()
