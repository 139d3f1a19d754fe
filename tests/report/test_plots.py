"""Plots: what they show, and that a page can take them."""

import re
import warnings
from xml.etree import ElementTree

import numpy as np
from absl.testing import absltest

from pgtf.report import plots
from pgtf.report.page_cache import PageCache
from pgtf.report.svg_plots import Plots

NAMES = ["<script>", '$x^2$ & "y"', "中"]


def texts(markup):
    """The texts of an svg element, which must be XML."""
    return ["".join(one.itertext()) for one in ElementTree.fromstring(str(markup)).iter("text")]


class PlotsTest(absltest.TestCase):
    def test_names_are_shown_as_they_are(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # A letter that matplotlib's own font lacks is nothing to warn of.
            figures = (
                plots.stored(NAMES, [1e6, 2e6, 3e6], [4e6, 4e6, 4e6]),
                plots.heat_map(np.eye(3), NAMES, -1),
                plots.frontier(NAMES, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "FID", "MB"),
            )
        for figure in figures:
            found = texts(plots.svg(figure, NAMES[0], "a").replace(' aria-label="', ' xmlns:xlink="x" aria-label="'))
            self.assertContainsSubset(NAMES, found)

    def test_a_page_s_colours_and_no_font_of_its_own(self):
        found = plots.svg(plots.curve("l1", [1, 2], [3.0, 4.0]), "text", "a")
        self.assertIn("currentColor", found)
        self.assertIn("var(--line)", found)
        for absent in (plots.INK, plots.LINE, "font-family", "<style", "<?xml", "#000000"):
            self.assertNotIn(absent, found)

    def test_ids_of_two_plots_differ_and_are_all_there(self):
        drawn = Plots()
        found = [drawn.svg(plots.curve, "l1", [1, 2], [3.0, value], text="x") for value in (4.0, 5.0)]
        ids = [set(re.findall(r'\bid="([^"]+)"', one)) for one in found]
        self.assertTrue(ids[0] and not ids[0] & ids[1])
        for one, known in zip(found, ids):
            self.assertLessEqual(set(re.findall(r'(?:href="#|url\(#)([^")]+)', one)), known)

    def test_a_plot_is_drawn_once(self):
        parts, calls = PageCache(self.create_tempdir().full_path), []

        def draw(value):
            calls.append(value)
            return plots.curve("l1", [1, 2], [3.0, value])

        first, again, other = (Plots(parts).svg(draw, value, text="x") for value in (4.0, 4.0, 5.0))
        self.assertEqual(calls, [4.0, 5.0])
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_a_long_curve_is_thinned_to_means(self):
        steps, values = plots.thinned(range(1, 7), [1, 3, 10, 20, 5, 6], points=3)
        np.testing.assert_array_equal(steps, [1.5, 3.5, 5.5])
        np.testing.assert_array_equal(values, [2, 15, 5.5])
        steps, values = plots.thinned([4], [7])
        self.assertEqual((steps.tolist(), values.tolist()), ([4], [7]))

    def test_bars_are_as_long_as_what_they_tell(self):
        (axes,) = plots.stored(["a", "b"], [1e6, 2e6], [8e6, 4e6]).axes
        self.assertEqual([bar.get_width() for bar in axes.patches], [8, 4, 1, 2])
        self.assertEqual([text.get_text() for text in axes.texts], ["1 MB (12%)", "2 MB (50%)"])

    def test_a_heat_map_s_better_values_are_brighter(self):
        values = np.array([[1.0, 2.0], [np.nan, 3.0]])
        for sign, best in ((1, 3.0), (-1, 1.0)):
            (axes,) = plots.heat_map(values, ["a", "b"], sign).axes
            (image,) = axes.images
            rows, columns = np.nonzero(values == best)
            brightness = image.cmap(image.norm(image.get_array()))[..., :3].sum(-1)
            self.assertEqual(brightness[rows[0], columns[0]], brightness[np.isfinite(values)].max())
            self.assertEqual(sorted(text.get_text() for text in axes.texts), ["1", "2", "3"])
            self.assertTrue(image.get_array().mask[1, 0])

    def brightness(self, *args):
        (axes,) = plots.heat_map(*args).axes
        (image,) = axes.images
        return image.cmap(image.norm(image.get_array()))[..., :3].sum(-1)

    def test_a_perfect_accuracy_everywhere_is_bright(self):
        found = self.brightness(np.array([[1.0, 1.0], [np.nan, 1.0]]), ["a", "b"], 1, (0, 1))
        low = self.brightness(np.array([[0.0, 1.0], [np.nan, 0.5]]), ["a", "b"], 1, (0, 1))
        self.assertEqual(found[0, 0], found[1, 1])
        self.assertEqual(found[0, 0], low[0, 1])
        self.assertLess(low[0, 0], low[1, 1])
        self.assertLess(low[1, 1], low[0, 1])

    def test_distances_of_different_tasks_share_no_scale(self):
        found = self.brightness(np.array([[10.0, 10.0, 15.0], [np.nan, 900.0, 900.0], [np.nan] * 3]), "abc", -1)
        self.assertEqual(found[0, 0], found[1, 1])
        self.assertEqual(found[1, 1], found[1, 2])
        self.assertLess(found[0, 2], found[0, 0])

    def test_the_frontier_leaves_out_what_another_run_beats(self):
        (axes,) = plots.frontier("abcd", [1.0, 4.0, 2.0, 3.0], [9.0, 1.0, 5.0, 7.0], "FID", "MB").axes
        (line,) = axes.lines
        self.assertEqual(line.get_xydata().tolist(), [[1, 9], [2, 5], [4, 1]])

    def test_a_range_stands_where_its_point_does(self):
        ranges = [(8.0, 9.5), (1.0, 2.0)]
        (axes,) = plots.frontier("ab", [1.0, 4.0], [9.0, 1.5], "FID", "MB", ranges=ranges).axes
        (bars,) = (each for each in axes.collections if hasattr(each, "get_segments"))
        self.assertEqual([bar.tolist() for bar in bars.get_segments()], [[[1, 8], [1, 9.5]], [[4, 1], [4, 2]]])

    def test_sizes_that_differ_much_have_a_logarithmic_scale(self):
        for sizes, scale in (([1.0, 19.0], "linear"), ([1.0, 21.0], "log"), ([0.0, 100.0], "linear")):
            (axes,) = plots.frontier("ab", sizes, [2.0, 1.0], "FID", "MB").axes
            self.assertEqual(axes.get_xscale(), scale)

    def test_of_many_those_on_the_frontier_stand_out(self):
        sizes, values = [1.0, 40.0, 2.0, 30.0, 50.0, 60.0, 70.0], [9.0, 1.0, 5.0, 7.0, 2.0, 3.0, 4.0]
        (axes,) = plots.frontier("abcdefg", sizes, values, "FID", "MB").axes
        self.assertEqual(axes.get_xscale(), "log")
        faint = {text.get_text() for text in axes.texts if text.get_alpha() is not None}
        self.assertEqual(faint, set("defg"))
        (axes,) = plots.frontier("abcdef", [10 + size for size in sizes[:6]], values[:6], "FID", "MB").axes
        self.assertEqual(axes.get_xscale(), "linear")
        self.assertFalse([text for text in axes.texts if text.get_alpha() is not None])

    def test_long_names_are_cut_to_the_room_that_there_is(self):
        for count, longest in ((2, 40), (7, 50)):
            names = [f"{n}" * 80 for n in range(count)]
            (axes,) = plots.frontier(names, list(range(1, count + 1)), [1.0] * count, "FID", "MB").axes
            self.assertEqual({len(text.get_text()) for text in axes.texts}, {longest})

    def test_names_do_not_cover_one_another(self):
        sizes, values = [10, 11, 12, 13, 14, 30, 30, 30], [2.0, 2.01, 2.02, 2.0, 1.99, 1.5, 1.501, 1.52]
        names = [f"a long name {n}" for n in range(8)]
        figure = plots.frontier(names, sizes, values, "FID", "MB")
        (axes,) = figure.axes
        plots.png(figure)
        boxes = [text.get_window_extent() for text in axes.texts]
        self.assertLen(boxes, 8)
        for place, box in enumerate(boxes):
            self.assertFalse([other for other in boxes[:place] if box.overlaps(other)], names[place])
        self.assertEqual(sorted(text.get_text() for text in axes.texts), names)

    def test_a_png_is_on_white(self):
        picture = plots.png(plots.curve("l1", [1, 2], [3.0, 4.0]))
        self.assertEqual((picture.dtype, picture.ndim, picture.shape[2]), (np.uint8, 3, 3))
        self.assertEqual(picture[0, 0].tolist(), [255, 255, 255])
        self.assertLess(picture.min(), 100)


if __name__ == "__main__":
    absltest.main()
