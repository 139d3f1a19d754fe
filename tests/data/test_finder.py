"""Task names to their images; what is missing or can't be read is said."""

import hashlib
import io
import json
import os
from unittest import mock

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.data.finder import Finder
from pgtf.data.manifest import Manifest
from pgtf.data.pixels import RequestedPixels
from pgtf.data.rgb_images import read
from pgtf.data.streams import Stream
from pgtf.foundation.errors import ImageError


class FinderTestCase(absltest.TestCase):
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
        settings = dict(data_dir=self.folder, test_size=(4, 4), train_size=(6, 8), **settings)
        return Finder(batch="pairs" if paired else "unpaired", **settings)(task, flipped)

    def levels(self, source, index=0):
        return [int(image[0, 0, 0]) for image in source[index]]


class FinderTest(FinderTestCase):
    def test_files_are_sorted_and_only_images(self):
        self.put("maps", "train", count=12)
        for name in ("list.txt", ".hidden.png", "png"):
            open(os.path.join(self.folder, "maps", "train", name), "w").close()
        os.makedirs(os.path.join(self.folder, "maps", "train", "folder.png"))
        os.rename(os.path.join(self.folder, "maps/train/3.png"), os.path.join(self.folder, "maps/train/0a.JPG"))
        (train,) = self.find("maps").train
        self.assertEqual(
            [os.path.basename(path) for path in train.source.paths],
            ["0.png", "0a.JPG", "1.png", "10.png", "11.png", *(f"{number}.png" for number in (2, 4, 5, 6, 7, 8, 9))],
        )

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
        self.assertFalse(task.pairs_apart)

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
            self.assertTrue(task.pairs_apart)
            self.assertEqual([self.levels(source, 1) for source in task.train], expected)
            self.assertEqual([self.levels(source, 1) for source in task.test], expected)

    def test_two_folders_without_pairs(self):
        for split, level in (("trainA", 10), ("trainB", 20), ("testA", 30), ("testB", 40)):
            self.put("photo2monet", split, level=level, count=2 if split == "trainB" else 1)
        for flipped, train, test in ((False, [[10], [20]], [[30], [40]]), (True, [[20], [10]], [[40], [30]])):
            task = self.find("photo2monet", flipped, paired=False)
            self.assertFalse(task.pairs_apart)
            self.assertEqual([self.levels(source) for source in task.train], train)
            self.assertEqual([self.levels(source) for source in task.test], test)
            self.assertEqual(sorted(len(source) for source in task.train), [1, 2])

    def test_without_both_test_folders_training_images_are_shown(self):
        for split, level in (("trainA", 10), ("trainB", 20), ("testA", 30)):
            self.put("t", split, level=level)
        self.assertEqual([self.levels(source) for source in self.find("t", paired=False).test], [[10], [20]])

    def test_drawn_images_keep_their_channels(self):
        for pixels in ((RequestedPixels(1), RequestedPixels()), (RequestedPixels(), RequestedPixels(3, "0:10"))):
            with self.assertRaisesRegex(ValueError, "A drawn task has channels .* which has 3 channels"):
                Finder("", "pairs", (16, 16), (16, 16), pixels=pixels)("maps")
        six = Finder("", "pairs", (16, 16), (16, 16), pixels=(RequestedPixels(6), RequestedPixels(3)))("satellite2map")
        self.assertEqual(six.channels, (6, 3))

    def test_no_such_data_dir(self):
        with self.assertRaisesRegex(FileNotFoundError, "here '/nowhere/maps'. Received: .*no such folder") as told:
            Finder("/nowhere", "pairs", (4, 4), (4, 4))("maps")
        self.assertIn("https://", str(told.exception))
        self.assertIn("Without --data_dir, tasks are drawn: cityscapes, maps", str(told.exception))

    def test_no_such_task_says_which_there_are(self):
        self.put("facades", "train")
        self.put("night2day", "train")
        with self.assertRaisesRegex(FileNotFoundError, r"maps'. Received: .*\(facades, night2day\)"):
            self.find("maps")

    def test_an_empty_split(self):
        self.put("maps", "train")
        os.makedirs(os.path.join(self.folder, "maps", "test"))
        with self.assertRaisesRegex(FileNotFoundError, "must hold images.*Received: '.*maps/test', which holds none"):
            self.find("maps")
        open(os.path.join(self.folder, "maps", "test", "README.txt"), "w").close()
        with self.assertRaisesRegex(FileNotFoundError, "which holds none"):
            self.find("maps")

    def test_no_train(self):
        self.put("maps", "val")
        with self.assertRaisesRegex(FileNotFoundError, "Received: '.*maps' with val"):
            self.find("maps")

    def test_nothing_at_all(self):
        os.makedirs(os.path.join(self.folder, "maps"))
        with self.assertRaisesRegex(FileNotFoundError, "nothing in it"):
            self.find("maps")

    def test_one_side_alone_is_refused(self):
        self.put("maps", "trainA")
        with self.assertRaisesRegex(FileNotFoundError, "trainA and trainB.* Received: '.*maps' with trainA"):
            self.find("maps", paired=False)

    def test_pix2pix_refuses_folders_without_pairs(self):
        self.put("maps", "trainA")
        self.put("maps", "trainB")
        os.rename(os.path.join(self.folder, "maps/trainB/0.png"), os.path.join(self.folder, "maps/trainB/a.png"))
        with self.assertRaisesRegex(ValueError, "pix2pix needs pairs.*--objective=cyclegan"):
            self.find("maps")

    def test_who_has_both_layouts_gets_the_one_that_is_asked_for(self):
        self.put("maps", "train", level=100)
        self.put("maps", "trainA", level=10)
        self.put("maps", "trainB", level=20)
        self.assertEqual(self.levels(self.find("maps").train[0]), [100, 101])
        self.assertEqual([self.levels(source) for source in self.find("maps", paired=False).train], [[10], [20]])

    def test_a_data_dir_with_a_space_or_a_newline_at_its_end_shows_it(self):
        self.put("maps", "train")
        for end, shown in ((" ", " '"), ("\n", "\\\\n'")):
            with self.assertRaisesRegex(FileNotFoundError, f"Received: --data_dir='{self.folder}{shown}"):
                Finder(self.folder + end, "pairs", (4, 4), (4, 4))("maps")

    def two_folders(self, first="trainA", second="trainB"):
        self.put("t", first, count=3, level=10)
        self.put("t", second, count=3, level=50)
        for number in range(3):  # Another ending.
            place = os.path.join(self.folder, "t", second, str(number))
            os.rename(f"{place}.png", f"{place}.webp")

    def test_two_folders_of_equal_names_are_pairs(self):
        self.two_folders()
        self.two_folders("testA", "testB")
        for flipped, levels in ((False, [12, 52]), (True, [52, 12])):
            task = self.find("t", flipped)
            self.assertEqual((self.levels(task.train[0], 1), self.levels(task.test[0], 1)), (levels, levels))
        self.assertEqual((task.train[0][0].shape, task.test_split), ((2, 6, 8, 3), "test"))
        plain = json.loads(json.dumps(task.manifest.to_json()))
        self.assertEqual(task.resumed(Manifest.from_json(plain)), task)
        plain["train"]["targets"]["1.png"] = "../trainB/2.webp"
        with self.assertRaisesRegex(ValueError, "train: 1 of another target; first: '1.png'"):
            task.resumed(Manifest.from_json(plain))
        self.assertEqual([self.levels(source) for source in self.find("t", paired=False).train], [[10], [50]])

    def test_folders_a_and_b_are_those_of_training(self):
        self.two_folders("A", "B")
        task = self.find("t")
        self.assertEqual((self.levels(task.train[0], 2), task.test_split), ([14, 54], "train"))
        self.assertEqual([self.levels(source) for source in self.find("t", paired=False).train], [[10], [50]])

    def test_files_without_a_partner_are_named(self):
        self.two_folders()
        self.put("t", "trainA", count=8)
        found = self.find("t")
        self.assertLen(found.train[0], 3)
        with self.assertRaisesRegex(
            ImageError, "Received: 5 without one: '.*A/3.png', '.*A/4.png', .*and 2 more\n--bad"
        ):
            found.checked()
        once = found.checked(skip=True)
        self.assertLen(once.skipped, 1)
        os.unlink(os.path.join(self.folder, "t", "trainA", "1.png"))
        with self.assertRaisesRegex(ImageError, "Received: 6 without one"):
            self.find("t").checked()

    def table(self, name, *lines):
        with open(os.path.join(self.folder, "t", name), "w") as file:
            file.write("\n".join(lines))

    def test_a_table_of_pairs(self):
        self.put("t", "train", count=3, level=10)
        self.put("t", "deep", "er", count=3, level=50)
        for head in ((), ("input, target",)):
            self.table("train.csv", *head, "train/2.png,deep/er/0.png", "", "train/0.png,deep/er/1.png")
            task = self.find("t")
            self.assertEqual([self.levels(task.train[0], index) for index in (0, 1)], [[14, 50], [10, 52]])
            self.assertEqual(task.test_split, "train")
        self.table("test.csv", "train/1.png,deep/er/2.png", "train/2.png,nowhere.png")
        task = self.find("t", flipped=True)
        self.assertEqual((self.levels(task.test[0]), task.test_split), ([54, 12], "test"))
        with self.assertRaisesRegex(ImageError, "must be readable. Received: '.*t/nowhere.png'"):
            task.checked()
        self.assertEqual(task.checked(skip=True).manifest.parts["test"].left_out, ("train/2.png",))
        self.table("train.csv", "train/1.png,train/2.png", "train/1.png,train/0.png")
        with self.assertRaisesRegex(ValueError, "each input once. Received: '.*train.csv', line 2: 'train/1.png,"):
            self.find("t")

    def test_a_table_with_zero_characters(self):
        self.put("t", "train", count=3)
        self.table("train.csv", "input,target", "tra\0in/1.png,train/0.png")
        with self.assertRaisesRegex(ValueError, "zero characters. Received: '.*train.csv', line 2|contains NUL"):
            self.find("t")

    def test_lines_of_pairs(self):
        self.put("t", "train", count=3, level=10)
        self.put("t", "deep", "er", count=3, level=50)
        lines = (
            '{"input": "train/2.png", "target": "deep/er/0.png"}',
            "",
            '{"target": "deep/er/1.png", "input": "train/0.png"}',
        )
        self.table("train.jsonl", *lines)
        task = self.find("t")
        self.assertEqual([self.levels(task.train[0], index) for index in (0, 1)], [[14, 50], [10, 52]])
        no_paths = (r'{"input": "a\u0000.png", "target": "b.png"}', r'{"input": "a.png", "target": "\ud800.png"}')
        for wrong in (lines[0], '{"input": "a.png"}', "[]", "nothing", '{"input": 1, "target": "a.png"}', *no_paths):
            self.table("train.jsonl", lines[0], wrong)
            with self.assertRaisesRegex(ValueError, "each input once. Received: '.*train.jsonl', line 2: "):
                self.find("t")

    def test_another_table_lists_no_pairs(self):
        self.put("t", "train")
        self.table("train.csv", "id,label,split", "1,cat,train")
        self.assertEqual(self.levels(self.find("t").train[0]), [100, 101])

    def test_the_split_that_is_shown_is_said(self):
        self.put("t", "train", count=40)
        for split, kind in (("train", "train"), ("val", "val"), ("test", "test")):
            self.put("t", split, count=40)
            self.assertEqual(self.find("t").shown_split, kind)
        self.assertEqual(self.find("t", validation=0.1).shown_split, "validation")

    def test_a_share_of_the_training_images_is_held_out_by_the_hash_of_their_names(self):
        self.put("t", "train", count=40)
        names = [f"{number}.png" for number in range(40)]
        expected = [name for name in names if int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10 == 0]
        self.assertNotEmpty(expected)
        task = self.find("t", validation=0.1)
        parts = task.manifest.parts
        self.assertCountEqual(parts["validation"].sizes, expected)
        self.assertCountEqual([*parts["train"].sizes, *parts["validation"].sizes], names)
        level = 100 + 2 * int(sorted(expected)[0].removesuffix(".png"))
        self.assertEqual(self.levels(task.shown[0]), [level, level + 1])
        learnt = {self.levels(task.train[0], index)[0] for index in range(len(task.train[0]))}
        self.assertEqual((len(learnt), level in learnt), (40 - len(expected), False))
        self.assertEqual(task.resumed(Manifest.from_json(json.loads(json.dumps(task.manifest.to_json())))), task)

    def test_a_share_that_leaves_nothing_to_either_is_refused(self):
        self.put("t", "train", count=1)
        with self.assertRaisesRegex(ValueError, "--validation must hold out .* Received: --validation=0.1"):
            self.find("t", validation=0.1)

    def test_formats_that_are_not_read_are_named_where_there_is_no_other(self):
        os.makedirs(os.path.join(self.folder, "t", "train"))
        self.table("train/1.jxl")
        with self.assertRaisesRegex(FileNotFoundError, "holds none but 1 that pgtf does not read: 1.jxl"):
            self.find("t")

    def test_files_in_other_formats_are_counted_by_their_endings(self):
        self.put("maps", "train")
        self.assertEqual(self.find("maps").unread(), "")  # Training images are shown: one folder, counted once.
        for name in ("a.JXL", "b.jxl", "c.psd", ".d.psd", "notes.txt"):
            open(os.path.join(self.folder, "maps", "train", name), "w").close()
        said = "left out 3 files in formats that pgtf does not read: 2 .jxl, 1 .psd; convert them to JPEG or PNG"
        self.assertEqual(self.find("maps").unread(), said)
        self.assertEqual(Finder("", "pairs", (4, 4), (4, 4))("maps").unread(), "")

    def test_finding_reads_no_image(self):
        self.put("maps", "train", count=2)
        os.truncate(os.path.join(self.folder, "maps", "train", "0.png"), 0)
        self.assertLen(self.find("maps").train[0], 2)


class CheckedTest(FinderTestCase):
    def break_(self, *names, content=b""):
        for name in names:
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(content)

    def test_all_good(self):
        self.put("maps", "train", count=3)
        task = self.find("maps")
        self.assertEqual(task.checked(), task)

    def test_what_is_broken_is_refused_all_at_once(self):
        self.put("maps", "train", count=4)
        self.put("maps", "test", count=2)
        self.break_("maps/train/1.png", "maps/train/3.png", "maps/test/0.png")
        with self.assertRaises(ImageError) as told:
            self.find("maps").checked()
        lines = str(told.exception).splitlines()
        for line, name in zip(lines, ("train/1.png", "train/3.png", "test/0.png")):
            self.assertRegex(line, f"^An image must be readable. Received: '.*maps/{name}' ")
        self.assertEqual(lines[3:], ["--bad_images=skip leaves such images out."])

    def test_ten_are_named_and_the_rest_counted(self):
        for count, last in ((10, "maps/train/9.png"), (12, "and 2 more")):
            self.put("maps", "train", count=count)
            self.break_(*(f"maps/train/{number}.png" for number in range(count)))
            with self.assertRaises(ImageError) as told:
                self.find("maps").checked()
            lines = str(told.exception).splitlines()
            self.assertEqual(sum("must be readable" in line for line in lines), 10)
            self.assertIn(last, lines[-2])

    def test_what_is_broken_is_left_out_and_named(self):
        self.put("maps", "train", count=4)
        self.put("maps", "test", count=3, level=200)
        self.put("maps", "train", count=1, width=7)  # A pair has an even width.
        self.break_("maps/train/2.png", "maps/test/1.png")
        task = self.find("maps").checked(skip=True)
        (train,), (test,) = task.train, task.test
        self.assertEqual([self.levels(train, index) for index in range(len(train))], [[102, 103], [106, 107]])
        self.assertEqual([self.levels(test, index) for index in range(len(test))], [[200, 201], [204, 205]])
        self.assertLen(task.skipped, 3)
        for message, name in zip(task.skipped, ("train/0.png', 7 px wide", "train/2.png", "test/1.png")):
            self.assertIn(f"maps/{name}", message)
        self.assertEqual(
            {name: files.left_out for name, files in task.manifest.parts.items()},
            {"train": ("0.png", "2.png"), "test": ("1.png",)},
        )

    def test_odd_widths_are_told_once(self):
        self.put("maps", "train", count=14, width=7)
        self.put("maps", "train", count=2)
        with self.assertRaises(ImageError) as told:
            self.find("maps").checked()
        rule, way_out = str(told.exception).splitlines()
        self.assertRegex(
            rule, "even. Received: 12 files of an odd width: '.*10.png', '.*11.png', '.*12.png', and 9 more$"
        )
        self.assertIn("--bad_images=skip", way_out)
        self.assertLen(self.find("maps").checked(skip=True).skipped, 12)

    def test_held_out_images_spare_the_test_images_from_being_read(self):
        self.put("maps", "train", count=40)
        self.put("maps", "test")
        self.break_("maps/test/0.png")
        self.find("maps", validation=0.1).checked()
        with self.assertRaisesRegex(ImageError, "test/0.png"):
            self.find("maps").checked()

    def test_what_is_checked_can_be_checked_again(self):
        self.put("maps", "train", count=5)
        self.break_("maps/train/1.png")
        once = self.find("maps").checked(skip=True)
        self.assertEqual(once.checked(), once)
        self.break_("maps/train/3.png")
        once.train[0].release()
        twice = once.checked(skip=True)
        self.assertEqual([self.levels(twice.train[0], index)[0] for index in range(3)], [100, 104, 108])
        self.assertEqual(twice.manifest.parts["train"].left_out, ("1.png", "3.png"))
        self.assertLen(twice.skipped, 2)

    def test_both_sides_of_folders_without_pairs(self):
        for split, level in (("trainA", 10), ("trainB", 20), ("testA", 30), ("testB", 40)):
            self.put("t", split, level=level, count=2)
        self.break_("t/trainA/0.png", "t/testB/1.png")
        for flipped, train, test in ((False, [[12], [20]], [[30], [40]]), (True, [[20], [12]], [[40], [30]])):
            task = self.find("t", flipped, paired=False).checked(skip=True)
            self.assertEqual([self.levels(source) for source in task.train], train)
            self.assertEqual([self.levels(source) for source in task.test], test)
            self.assertEqual(len(task.train[flipped]) + len(task.test[not flipped]), 2)

    def test_no_image_meets_its_own_pair_where_others_are_left_out(self):
        self.put("maps", "train", count=6)
        self.break_("maps/train/1.png")
        task = self.find("maps", paired=False).checked(skip=True)
        stream = Stream(task.train, 6, 8, pairs_apart=task.pairs_apart)
        self.assertEqual(stream.steps_per_epoch, 5)
        shown = [[round((float(image[0, 0, 0, 0]) + 1) * 127.5) for image in batch] for batch in stream.dataset(0, 100)]
        for a, b in shown:
            self.assertNotEqual(a + 1, b)
        self.assertEqual({a for a, _ in shown}, {100, 104, 106, 108, 110})

    def test_each_file_is_read_once_and_what_fits_is_held(self):
        self.put("maps", "train", count=5)
        self.break_("maps/train/3.png")
        reads = []
        with mock.patch("pgtf.data.rgb_images.read", side_effect=lambda path: reads.append(path) or read(path)):
            task = self.find("maps").checked(skip=True)  # Without tests: its training images are both.
            self.assertCountEqual([os.path.basename(path) for path in reads], [f"{number}.png" for number in range(5)])
            for index in range(4):
                task.train[0][index]
            self.assertLen(reads, 5)
            self.assertLen(task.skipped, 1)
            self.assertEqual((len(task.train[0]), len(task.test[0])), (4, 4))

    def test_nothing_is_left(self):
        self.put("maps", "train", count=2)
        self.put("maps", "test")
        self.break_("maps/test/0.png")
        with self.assertRaisesRegex(
            ImageError, "must be readable. Received: '.*maps/test', where none of 1 is:\n.*0.png"
        ):
            self.find("maps").checked(skip=True)

    def test_another_error_is_not_swallowed(self):
        self.put("maps", "train")
        broken = mock.patch("pgtf.data.rgb_images.read", side_effect=RuntimeError("a bug"))
        with broken, self.assertRaisesRegex(RuntimeError, "a bug"):
            self.find("maps").checked(skip=True)

    def begun(self, **settings):
        """Returns a task with a broken image, and its manifest after a round trip through JSON."""
        self.put("maps", "train", count=4)
        self.put("maps", "test", count=2, level=200)
        self.break_("maps/train/2.png")
        task = self.find("maps", **settings).checked(skip=True)
        return task, Manifest.from_json(json.loads(json.dumps(task.manifest.to_json())))

    def test_a_task_goes_on_without_reading_anything_again(self):
        for paired in (True, False):
            task, manifest = self.begun(paired=paired)
            with mock.patch("pgtf.data.rgb_images.read", side_effect=RuntimeError):
                resumed = self.find("maps", paired=paired).resumed(manifest)
            self.assertEqual(resumed.manifest, task.manifest)
            self.assertEqual(resumed.skipped, (f"Left out when the task began: '{self.folder}/maps/train/2.png'",))
            for ours, theirs in zip(resumed.train + resumed.test, task.train + task.test):
                self.assertEqual(
                    [self.levels(ours, index) for index in range(len(ours))],
                    [self.levels(theirs, index) for index in range(len(theirs))],
                )

    def test_the_data_may_move_and_be_touched(self):
        _, manifest = self.begun()
        os.utime(os.path.join(self.folder, "maps/train/0.png"), (0, 0))
        moved = self.create_tempdir().full_path
        os.rename(os.path.join(self.folder, "maps"), os.path.join(moved, "maps"))
        self.folder = moved
        resumed = self.find("maps").resumed(manifest)
        self.assertEqual(resumed.manifest.parts["train"].folder, os.path.join(moved, "maps", "train"))
        self.assertLen(resumed.train[0], 3)

    def test_data_that_changed_during_a_task_is_refused(self):
        _, manifest = self.begun()
        self.break_("maps/test/1.png", content=b"12345")
        os.unlink(os.path.join(self.folder, "maps/train/1.png"))
        self.put("maps", "train", count=6)
        os.unlink(os.path.join(self.folder, "maps/train/3.png"))
        with self.assertRaises(ValueError) as told:
            self.find("maps").resumed(manifest)
        self.assertEqual(
            str(told.exception).splitlines()[1:],
            [
                "  train: 2 files more, 1 fewer, 1 of another size; first: '2.png'",
                "  test: 1 file of another size; first: '1.png'",
            ],
        )
        self.assertIn("Received: maps with other data", str(told.exception))

    def test_what_takes_a_while_has_a_bar(self):
        self.put("maps", "train", count=3)
        self.put("maps", "test", count=2)
        for moment, expected in ((60.0, ""), (0.0, "maps: checking  5/5 ")):
            out = io.StringIO()
            with mock.patch("pgtf.data.task_data.MOMENT", moment):
                self.find("maps").checked(out=out)
            self.assertIn(expected, out.getvalue())
            self.assertEqual(bool(out.getvalue()), bool(expected))

    def test_what_is_drawn_is_not_checked(self):
        with mock.patch("pgtf.data.drawn.draw", side_effect=RuntimeError):
            Finder("", "pairs", (16, 16), (18, 18))("maps").checked()


class DrawnTasksTest(absltest.TestCase):
    def find(self, task, flipped=False, paired=True, **settings):
        return Finder("", "pairs" if paired else "unpaired", (16, 16), (18, 18), drawn_images=5, **settings)(
            task, flipped
        )

    def test_training_and_test_share_no_image(self):
        task = self.find("maps")
        (train,), (test,) = task.train, task.test
        self.assertEqual(len(train), 5)
        indices = [set(range(source.first, source.first + len(source))) for source in (train.source, test)]
        self.assertEmpty(indices[0] & indices[1])
        # However many training images one asks for.
        self.assertGreater(test.first, 100_000)

    def test_sizes_and_directions(self):
        there, back = self.find("maps"), self.find("maps", flipped=True)
        self.assertEqual((there.train[0][0].shape, there.test[0][0].shape), ((2, 18, 18, 3), (2, 16, 16, 3)))
        np.testing.assert_array_equal(there.test[0][0], back.test[0][0][::-1])

    def test_what_is_drawn_has_a_manifest(self):
        task = self.find("maps", seed=7)
        plain = task.manifest.to_json()
        self.assertEqual(plain["train"], {"drawn": "maps", "seed": 7, "first": 0, "count": 5})
        self.assertEqual((plain["test"]["first"], plain["test"]["count"]), (task.test[0].first, len(task.test[0])))
        manifest = Manifest.from_json(json.loads(json.dumps(plain)))
        self.assertEqual(task.resumed(manifest), task)
        before = "train: 5 examples drawn as maps with seed 7 before"
        with self.assertRaisesRegex(ValueError, f"{before}, 5 examples drawn as maps with seed 8 now"):
            self.find("maps", seed=8).resumed(manifest)

    def test_without_pairs(self):
        task = self.find("photo2monet", paired=False)
        self.assertTrue(task.pairs_apart)
        self.assertEqual([source[0].shape for source in task.train], [(1, 18, 18, 3)] * 2)
        self.assertNotEqual(task.train[0][0].tobytes(), task.train[1][0].tobytes())

    def test_another_seed_draws_other_images(self):
        self.assertNotEqual(self.find("maps").train[0][0].tobytes(), self.find("maps", seed=1).train[0][0].tobytes())

    def test_a_name_that_nothing_draws_is_refused_with_those_that_are(self):
        with self.assertRaisesRegex(ValueError, "cityscapes, maps, .*Received: 'night2day'"):
            self.find("night2day")


if __name__ == "__main__":
    absltest.main()
