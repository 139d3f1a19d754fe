"""Task names to their images; what is missing is said."""

import os

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.data.tasks import Finder


class FinderTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def put(self, *path, count=1, level=100, width=8):
        """Images whose left half has the gray level, the right half one more, and each file 2 more than the last."""
        folder = os.path.join(self.folder, *path)
        os.makedirs(folder, exist_ok=True)
        for number in range(count):
            image = np.full((4, width, 3), level + 2 * number, "uint8")
            image[:, width // 2 :] += 1
            Image.fromarray(image).save(os.path.join(folder, f"{number}.png"))

    def find(self, task, flipped=False, paired=True, **settings):
        settings = dict(data_dir=self.folder, size=(4, 4), load=(6, 8), **settings)
        return Finder(paired=paired, **settings)(task, flipped)

    def levels(self, source, index=0):
        return [int(image[0, 0, 0]) for image in source[index]]

    def test_pairs(self):
        self.put("maps", "train", count=3)
        self.put("maps", "test", count=2, level=200)
        self.put("maps", "val", level=50)
        task = self.find("maps")
        (train,), (test,) = task.train, task.test
        self.assertEqual((len(train), len(test)), (3, 2))
        self.assertEqual((train[0].shape, test[0].shape), ((2, 6, 8, 3), (2, 4, 4, 3)))
        self.assertEqual(self.levels(train, 1), [102, 103])
        self.assertEqual(self.levels(test, 1), [202, 203])
        self.assertFalse(task.half_a_turn)

    def test_pairs_in_the_other_direction(self):
        self.put("maps", "train")
        task = self.find("maps", flipped=True)
        self.assertEqual(self.levels(task.train[0]), [101, 100])
        self.assertEqual(self.levels(task.test[0]), [101, 100])

    def test_val_stands_in_for_test_and_train_for_both(self):
        self.put("maps", "train")
        self.assertEqual(self.levels(self.find("maps").test[0]), [100, 101])
        self.put("maps", "val", level=50)
        self.assertEqual(self.levels(self.find("maps").test[0]), [50, 51])

    def test_pairs_without_their_pairs(self):
        self.put("maps", "train", count=3)
        for flipped, expected in ((False, [[102], [103]]), (True, [[103], [102]])):
            task = self.find("maps", flipped, paired=False)
            self.assertTrue(task.half_a_turn)
            self.assertEqual([self.levels(source, 1) for source in task.train], expected)
            self.assertEqual([self.levels(source, 1) for source in task.test], expected)

    def test_two_folders_without_pairs(self):
        for split, level in (("trainA", 10), ("trainB", 20), ("testA", 30), ("testB", 40)):
            self.put("photo2monet", split, level=level, count=2 if split == "trainB" else 1)
        for flipped, train, test in ((False, [[10], [20]], [[30], [40]]), (True, [[20], [10]], [[40], [30]])):
            task = self.find("photo2monet", flipped, paired=False)
            self.assertFalse(task.half_a_turn)
            self.assertEqual([self.levels(source) for source in task.train], train)
            self.assertEqual([self.levels(source) for source in task.test], test)
            self.assertEqual(sorted(len(source) for source in task.train), [1, 2])

    def test_without_both_test_folders_training_images_are_shown(self):
        for split, level in (("trainA", 10), ("trainB", 20), ("testA", 30)):
            self.put("t", split, level=level)
        self.assertEqual([self.levels(source) for source in self.find("t", paired=False).test], [[10], [20]])

    def test_no_such_data_dir(self):
        with self.assertRaisesRegex(
            FileNotFoundError, "/nowhere/maps was looked for. Received: .*no such folder"
        ) as told:
            Finder("/nowhere", True, (4, 4), (4, 4))("maps")
        self.assertIn("https://", str(told.exception))
        self.assertIn("without --data_dir, tasks are drawn: cityscapes, maps", str(told.exception))

    def test_no_such_task_says_which_there_are(self):
        self.put("facades", "train")
        self.put("night2day", "train")
        with self.assertRaisesRegex(FileNotFoundError, r"maps was looked for. Received: .*\(facades, night2day\)"):
            self.find("maps")

    def test_an_empty_split(self):
        self.put("maps", "train")
        os.makedirs(os.path.join(self.folder, "maps", "test"))
        with self.assertRaisesRegex(FileNotFoundError, "must hold images.*Received: .*maps/test, which holds none"):
            self.find("maps")
        with open(os.path.join(self.folder, "maps", "test", "README.txt"), "w"):
            with self.assertRaisesRegex(FileNotFoundError, "which holds none"):
                self.find("maps")

    def test_no_train(self):
        self.put("maps", "val")
        with self.assertRaisesRegex(FileNotFoundError, "Received: .*maps with val"):
            self.find("maps")

    def test_nothing_at_all(self):
        os.makedirs(os.path.join(self.folder, "maps"))
        with self.assertRaisesRegex(FileNotFoundError, "nothing in it"):
            self.find("maps")

    def test_one_side_alone_is_refused(self):
        self.put("maps", "trainA")
        with self.assertRaisesRegex(FileNotFoundError, "trainA and trainB. Received: .*maps with trainA"):
            self.find("maps", paired=False)

    def test_pix2pix_refuses_folders_without_pairs(self):
        self.put("maps", "trainA")
        self.put("maps", "trainB")
        with self.assertRaisesRegex(ValueError, "pix2pix needs pairs.*--objective=cyclegan"):
            self.find("maps")

    def test_who_has_both_layouts_gets_the_one_that_is_asked_for(self):
        self.put("maps", "train", level=100)
        self.put("maps", "trainA", level=10)
        self.put("maps", "trainB", level=20)
        self.assertEqual(self.levels(self.find("maps").train[0]), [100, 101])
        self.assertEqual([self.levels(source) for source in self.find("maps", paired=False).train], [[10], [20]])

    def test_a_broken_image_is_skipped_where_that_is_allowed(self):
        self.put("maps", "train", count=2)
        open(os.path.join(self.folder, "maps", "train", "0.png"), "wb").close()
        self.assertEqual(self.levels(self.find("maps", skip_bad=True).train[0]), [102, 103])
        with self.assertRaisesRegex(ValueError, "Received: .*maps/train/0.png"):
            self.find("maps").train[0][0]


class DrawnTasksTest(absltest.TestCase):
    def find(self, task, flipped=False, paired=True, **settings):
        return Finder("", paired, (16, 16), (18, 18), drawn_images=5, **settings)(task, flipped)

    def test_training_and_test_share_no_image(self):
        task = self.find("maps")
        (train,), (test,) = task.train, task.test
        self.assertEqual(len(train), 5)
        indices = [set(range(source.first, source.first + len(source))) for source in (train.sequence, test)]
        self.assertEmpty(indices[0] & indices[1])
        # However many training images one asks for.
        self.assertGreater(test.first, 100_000)

    def test_sizes_and_directions(self):
        there, back = self.find("maps"), self.find("maps", flipped=True)
        self.assertEqual((there.train[0][0].shape, there.test[0][0].shape), ((2, 18, 18, 3), (2, 16, 16, 3)))
        np.testing.assert_array_equal(there.test[0][0], back.test[0][0][::-1])

    def test_without_pairs(self):
        task = self.find("photo2monet", paired=False)
        self.assertTrue(task.half_a_turn)
        self.assertEqual([source[0].shape for source in task.train], [(1, 18, 18, 3)] * 2)
        self.assertNotEqual(task.train[0][0].tobytes(), task.train[1][0].tobytes())

    def test_another_seed_draws_other_images(self):
        self.assertNotEqual(self.find("maps").train[0][0].tobytes(), self.find("maps", seed=1).train[0][0].tobytes())

    def test_a_name_that_nothing_draws_is_refused_with_those_that_are(self):
        with self.assertRaisesRegex(ValueError, "cityscapes, maps, .*Received: 'night2day'"):
            self.find("night2day")


if __name__ == "__main__":
    absltest.main()
