"""The drawn tasks: pure, free of any one size, and with target and input in the same place."""

import unittest

import numpy as np

from pgtf.data import drawn
from pgtf.data.drawn import DEEP, TASKS, draw, facades, streets


def shrunk(picture, factor):
    """The picture's block means. [h, w, 3] -> [h/factor, w/factor, 3]"""
    height, width, channels = picture.shape
    blocks = picture.reshape(height // factor, factor, width // factor, factor, channels)
    return blocks.mean((1, 3))


def correlation(first, second):
    return np.corrcoef(np.ravel(first).astype(float), np.ravel(second).astype(float))[0, 1]


def pixels_of(plan, colour):
    return np.all(plan == np.array(colour), axis=-1)


class DrawTest(unittest.TestCase):
    def test_the_same_question_has_the_same_answer(self):
        for task in TASKS:
            first = draw(task, 3, 48, seed=5)
            draw(task, 4, 48, seed=5)  # A state shared between calls would show in the next one.
            for before, after in zip(first, draw(task, 3, 48, seed=5)):
                np.testing.assert_array_equal(before, after, err_msg=task)

    def test_houses_stand_where_they_stood_with_either_numpy(self):
        # Means of 16 x 16 blocks, as NumPy 1 drew them. NumPy 2 promotes scalars otherwise, which drew other houses.
        means = [
            [113.9, 103.1, 108.9, 112.5],
            [88.5, 92.1, 96.7, 108.8],
            [108.4, 108.5, 83.6, 84.9],
            [115.8, 108.5, 85.1, 93],
        ]
        np.testing.assert_allclose(shrunk(draw("maps", 3, 64, seed=0)[1], 16).mean(-1), means, atol=0.1)

    def test_every_index_and_seed_is_another_pair(self):
        for task in TASKS:
            seen = [draw(task, index, 48, seed) for index, seed in ((0, 0), (1, 0), (0, 1), (1, 1))]
            for side in (0, 1):
                self.assertEqual(len({pair[side].tobytes() for pair in seen}), 4, task)

    def test_every_task_has_other_targets(self):
        self.assertEqual(len({draw(task, 0, 48)[1].tobytes() for task in TASKS}), len(TASKS))

    def test_pictures_are_square_bytes_at_odd_sizes(self):
        for task in TASKS:
            for size in (16, 37, 101):
                for picture in draw(task, 2, size):
                    self.assertEqual(picture.shape, (size, size, 3), task)
                    self.assertEqual(picture.dtype, np.uint8, task)
                    self.assertTrue(picture.flags.c_contiguous, task)
                    self.assertGreater(picture.std(), 10, task)

    def test_an_index_is_one_scene_at_every_size(self):
        # Thin lines and fine texture depend on the pixels, so both are compared as 16 x 16 means.
        for task in TASKS:
            for index in range(3):
                small, large = draw(task, index, 64), draw(task, index, 192)
                other = draw(task, index + 10, 192)
                for side in (0, 1):
                    coarse = shrunk(small[side], 4)
                    same = correlation(coarse, shrunk(large[side], 12))
                    self.assertGreater(same, 0.9, (task, index, side))
                    self.assertGreater(same, correlation(coarse, shrunk(other[side], 12)))
                    turned = correlation(coarse, shrunk(large[side], 12).transpose(1, 0, 2))
                    self.assertGreater(same, turned, (task, index, side))

    def test_measured_inputs_are_one_scene_at_every_size_with_their_own_pixels(self):
        for task in DEEP:
            given, made = drawn.pixels_of(f"{task}#3")
            for index in range(3):
                small, large, other = draw(task, index, 64), draw(task, index, 192), draw(task, index + 10, 192)
                for side, pixels in ((0, given), (1, made)):
                    self.assertEqual((small[side].shape, small[side].dtype), ((64, 64, pixels.channels), pixels.dtype))
                    coarse = shrunk(small[side], 4)
                    same = correlation(coarse, shrunk(large[side], 12))
                    self.assertGreater(same, 0.9, (task, index, side))
                    self.assertGreater(same, correlation(coarse, shrunk(other[side], 12)))
                    self.assertGreater(same, correlation(coarse, shrunk(large[side], 12).transpose(1, 0, 2)))

    def test_refuses_what_it_cannot_draw(self):
        with self.assertRaisesRegex(ValueError, "cityscapes.*photo2ukiyoe.*Received: 'horses'"):
            draw("horses", 0, 64)
        with self.assertRaisesRegex(ValueError, "at least 16.*Received: 15"):
            draw("maps", 0, 15)
        with self.assertRaisesRegex(ValueError, "not be negative.*Received: index=-1"):
            draw("maps", -1, 64)


class AlignmentTest(unittest.TestCase):
    def test_plans_hold_their_palettes_colours_only(self):
        for task, palette in (("cityscapes", streets.PALETTE), ("facades", facades.PALETTE)):
            known = set(palette.values())
            for index in range(4):
                plan = draw(task, index, 96)[0].reshape(-1, 3)
                self.assertLessEqual({tuple(map(int, colour)) for colour in plan}, known, task)

    def test_cityscapes_keep_the_official_colours(self):
        plan = draw("cityscapes", 0, 96)[0]
        for colour in ((128, 64, 128), (244, 35, 232), (70, 70, 70), (107, 142, 35), (70, 130, 180)):
            self.assertGreater(pixels_of(plan, colour).sum(), 20, colour)

    def test_street_photos_follow_their_labels(self):
        for index in range(4):
            plan, photo = draw("cityscapes", index, 96)
            sky = photo[pixels_of(plan, streets.PALETTE["sky"])].mean()
            road = photo[pixels_of(plan, streets.PALETTE["road"])].mean()
            leaves = photo[pixels_of(plan, streets.PALETTE["vegetation"])].mean(0)
            self.assertGreater(sky, road + 40)
            self.assertGreater(leaves[1], leaves[2] + 10)

    def test_windows_differ_from_the_wall_they_are_in(self):
        for index in range(6):
            plan, photo = draw("facades", index, 128)
            photo = photo.astype(float)
            window = photo[pixels_of(plan, facades.PALETTE["window"])]
            wall = photo[pixels_of(plan, facades.PALETTE["facade"])]
            # Glass and its frame vary far more than stucco; a shifted plan would lose that.
            self.assertGreater(window.std(0).mean(), 1.8 * wall.std(0).mean())

    def test_aerial_water_lies_where_the_map_says(self):
        wet = 0
        for index in range(8):
            plan, photo = draw("maps", index, 96)
            water = pixels_of(plan, (163, 204, 255))
            if water.sum() > 50:
                wet += 1
                red, _, blue = photo[water].mean(0)
                dry_red, _, dry_blue = photo[~water].mean(0)
                self.assertGreater(blue - red, 25)
                self.assertLess(dry_blue - dry_red, 5)
        self.assertGreater(wet, 2)

    def test_edges_are_where_the_bag_is(self):
        for index in range(6):
            edges, bag = draw("edges2handbags", index, 128)
            self.assertEqual(tuple(edges[0, 0]), (255, 255, 255))
            self.assertLess(edges.min(), 30)
            drawn = (edges < 128).all(-1)
            self.assertLess(drawn.mean(), 0.15)
            # The bag's colour fills the drawing's frame and stops there; the shadow lies below it.
            rows, columns = np.nonzero(drawn)
            painted = bag.min(-1) < 215
            painted[rows.max() + 2 :] = False
            bag_rows, bag_columns = np.nonzero(painted)
            for edge, body in (
                (rows.min(), bag_rows.min()),
                (columns.min(), bag_columns.min()),
                (columns.max(), bag_columns.max()),
            ):
                self.assertLessEqual(abs(int(edge) - int(body)), 4, index)

    def test_both_styles_repaint_the_same_photo(self):
        for index in range(3):
            photo, monet = draw("photo2monet", index, 64)
            again, ukiyoe = draw("photo2ukiyoe", index, 64)
            np.testing.assert_array_equal(photo, again)
            self.assertGreater(np.abs(monet.astype(float) - ukiyoe).mean(), 20)
