"""Labelled images: folders of classes, tables, arrays and drawn ones; what is wrong with them is said."""

import csv
import io
import os

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.data.drawn import LABELLED, draw_labelled, label_of
from pgtf.data.finder import Finder
from pgtf.data.manifest import LabelledArrays, LabelledFiles, Manifest, is_held_out
from pgtf.data.sources import examples
from pgtf.data.streams import Stream
from pgtf.foundation.errors import ImageError
from pgtf.objectives import Classification

LEVELS = {"cat": 10, "dog": 60, "emu": 110}  # The gray level of the images of a class.


class LabelledTestCase(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def path(self, *parts):
        path = os.path.join(self.folder, "zoo", *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def put(self, split, count=5, classes=LEVELS):
        for name in classes:
            for number in range(count):
                self.image(f"{split}/{name}/{number}.png", LEVELS.get(name, 200))

    def image(self, name, level):
        Image.new("L", (6, 4), level).save(self.path(name))

    def find(self, **settings):
        settings = dict(data_dir=self.folder, test_size=(8, 8), train_size=(10, 10), **settings)
        return Finder(batch="labelled", **settings)("zoo")

    def check(self, data, split):
        """Each image has the level of its class."""
        source = data.sources[split]
        for place, label in enumerate(source.labels):
            self.assertEqual(int(source[place][0, 0, 0, 0]), LEVELS[data.labels[label]])
        return len(source)


class FindTest(LabelledTestCase):
    def test_a_folder_for_each_class(self):
        self.put("train")
        self.put("test", 2)
        data = self.find()
        self.assertEqual(data.labels, ("cat", "dog", "emu"))
        self.assertEqual([self.check(data, split) for split in ("train", "test")], [15, 6])
        self.assertEqual(data.sources["train"][0].shape, (1, 10, 10, 3))
        self.assertEqual((data.choosing_split, data.test_split), ("test", "test"))

    def test_classes_are_mixed_so_that_the_first_images_are_of_several(self):
        self.put("train", 30)
        _, labels = examples(self.find().train, 12)
        self.assertLen(set(labels), 3)

    def test_val_beside_test_is_the_validation_split(self):
        for split, count in (("train", 5), ("test", 2), ("valid", 1)):
            self.put(split, count)
        data = self.find()
        self.assertEqual([self.check(data, split) for split in ("train", "validation", "test")], [15, 3, 6])
        self.assertEqual(data.choosing_split, "validation")

    def test_val_alone_is_the_test_split(self):
        self.put("train")
        self.put("val", 1)
        self.assertEqual((self.check(self.find(), "test"), self.find().choosing_split), (3, "test"))

    def test_validation_is_held_out_by_name(self):
        self.put("train", 40)
        data = self.find(validation=0.25)
        held_out = data.manifest.files["validation"]
        self.assertEqual(set(held_out.sizes), {n for n in held_out.labels if is_held_out(n, 0.25)})
        self.assertEqual(self.check(data, "train") + self.check(data, "validation"), 120)

    def test_a_table(self):
        with open(self.path("train.csv"), "w", newline="") as file:
            rows = [("image", "label")]
            for number, name in enumerate(["dog", "cat", "emu", "cat"]):
                self.image(f"any/{number}.png", LEVELS[name])
                rows.append((f"any/{number}.png", name))
            csv.writer(file).writerows(rows)
        data = self.find()
        self.assertEqual(data.labels, ("cat", "dog", "emu"))
        self.assertEqual((self.check(data, "train"), data.test_split), (4, "train"))

    def test_arrays_of_numbers_are_ordered_by_value(self):
        labels = np.array([10, 9, 10, 2, 9])
        images = np.repeat(labels.astype("uint8") * 20, 24).reshape(5, 4, 6)
        for split in ("train", "test"):
            np.savez(self.path(f"{split}.npz"), images=images, labels=labels)
        data = self.find(validation=0.5)
        self.assertEqual(data.labels, ("2", "9", "10"))
        for split in ("train", "validation", "test"):
            source = data.sources[split]
            for place, label in enumerate(source.labels):
                self.assertEqual(int(source[place][0, 0, 0, 0]), 20 * int(data.labels[label]))
        self.assertEqual(sum(len(data.sources[split]) for split in ("train", "validation")), 5)

    def test_a_manifest_is_read_again_and_a_change_is_told(self):
        self.put("train")
        folders, arrays = self.find().manifest, LabelledArrays("t.npz", {"0-1": 9}, (), {"0-1": "cat"})
        again = Manifest.from_json(Manifest({**folders.parts, "more": arrays}).to_json())
        self.assertEqual(again, Manifest({**folders.parts, "more": arrays}))
        os.rename(self.path("train/cat/0.png"), self.path("train/dog/cat0.png"))
        self.assertIn("train: 1 file more, 1 fewer", self.find().manifest.changes(folders)[0])
        name, *_ = folders.parts["train"].sizes
        other = LabelledFiles(
            **{**vars(folders.parts["train"]), "labels": {**folders.parts["train"].labels, name: "x"}}
        )
        self.assertIn("1 of another class", folders.parts["train"].change(other))
        self.assertNotEqual(folders.parts["train"].sha256, other.sha256)


class UnusualTest(LabelledTestCase):
    def test_ten_thousand_classes(self):
        names = [f"class{number}" for number in range(10_000)]
        images = (np.arange(10_000) % 251).astype("uint8").repeat(4).reshape(-1, 2, 2)
        np.savez(self.path("train.npz"), images=images, labels=names)
        np.savez(self.path("test.npz"), images=images[:7], labels=names[:7])
        data = self.find()
        self.assertEqual(data.labels, tuple(sorted(names)))
        for place in (0, 1, 4_321, 9_999):
            label = data.labels[data.sources["train"].labels[place]]
            self.assertEqual(int(data.sources["train"][place][0, 0, 0, 0]), int(label[5:]) % 251)
        objective = Classification().for_data(data)
        self.assertEqual(objective.architecture, {"outputs": 10_000})
        self.assertEqual(set(objective.counts), {1})

    def test_ten_thousand_unknown_classes_are_named_in_a_line(self):
        names = [f"class{number}" for number in range(10_000)]
        np.savez(self.path("train.npz"), images=np.zeros([2, 2, 2], "uint8"), labels=["cat", "dog"])
        np.savez(self.path("test.npz"), images=np.zeros([10_000, 2, 2], "uint8"), labels=names)
        with self.assertRaisesRegex(
            ValueError, "10000 that are not in .*train.npz': class0, class1, class10, and 9997 more"
        ) as raised:
            self.find()
        self.assertLess(len(str(raised.exception)), 400)

    def test_gray_transparent_sixteen_bit_and_huge_images_are_read_as_any(self):
        self.put("train")
        Image.fromarray(np.full([4, 6], 60 * 257, "uint16")).save(self.path("train/dog/deep.png"))
        Image.new("RGBA", (6, 4), (60, 60, 60, 255)).save(self.path("train/dog/alpha.png"))
        Image.new("L", (5_000, 4_000), 60).save(self.path("train/dog/huge.png"))
        data = self.find()
        self.assertEqual(self.check(data, "train"), 18)
        self.assertEqual({data.sources["train"][place].shape for place in range(18)}, {(1, 10, 10, 3)})


class RefusedTest(LabelledTestCase):
    def refused(self, message, error=ValueError):
        with self.assertRaisesRegex(error, message):
            self.find()

    def test_one_class(self):
        self.put("train", classes=["cat"])
        self.refused("at least two classes with training images. Received: 'zoo' with 1 in .*train': cat")

    def test_an_array_beside_pictures_says_what_to_do(self):
        self.put("train")
        np.save(self.path("train/dog/six.npy"), np.zeros([4, 6, 6], "uint16"))
        with self.assertRaisesRegex(ImageError, "six.npy' .arrays are read where pairs .*: convert it to PNG"):
            self.find().checked(out=io.StringIO())

    def test_an_empty_class(self):
        self.put("train")
        self.path("train/fox/1.png")
        self.refused("must have training images .* 1 of 4 folders in .*: fox")

    def test_another_class_in_test(self):
        self.put("train")
        self.put("test", classes=["cat", "dogs"])
        self.refused("must have the classes of the training images.*1 that are not in .*: dogs")

    def test_images_outside_of_classes(self):
        self.image("train/1.png", 0)
        self.refused("must lie in a folder for each class.*outside of such folders")

    def test_splits_of_two_layouts(self):
        self.put("train")
        np.savez(self.path("test.npz"), images=np.zeros([2, 4, 4], "uint8"), labels=["cat", "dog"])
        self.refused("arranged alike, as train is. Received: .*zoo' with test.npz, train")
        os.remove(self.path("test.npz"))
        self.put("valid")
        self.find()
        np.savez(self.path("val.npz"), images=np.zeros([2, 4, 4], "uint8"), labels=["cat", "dog"])
        self.find()  # The folder is the validation split.

    def test_folders_beside_a_table_may_hold_its_images(self):
        self.put("test")
        with open(self.path("train.csv"), "w") as file:
            file.write("test/cat/1.png,cat\ntest/dog/2.png,dog\n")
        self.assertEqual(self.check(self.find(), "train"), 2)
        with open(self.path("test.csv"), "w") as file:
            file.write("test/emu/1.png,cat\n")
        self.assertLen(self.find().sources["test"], 1)

    def test_no_layout(self):
        self.put("photos")
        self.refused("train.csv .lines image,label. or train.npz .*with photos", FileNotFoundError)

    def test_a_table_with_an_image_twice(self):
        with open(self.path("train.csv"), "w") as file:
            file.write("1.png,cat\n1.png,dog\n")
        self.refused("each image once. Received: .*line 2")

    def test_arrays_that_do_not_fit(self):
        np.savez(self.path("train.npz"), images=np.zeros([3, 4, 4], "uint8"), labels=[1, 2])
        self.refused(r"must hold `images`.*images \[3, 4, 4\], labels \[2\]")

    def test_a_name_that_moves_a_cursor(self):
        self.put("train", classes=["cat", "do\x1b[2Jg"])
        self.refused("Classes must have names that are valid")

    def test_a_task_that_is_not_drawn(self):
        with self.assertRaisesRegex(ValueError, "must be a drawn one: shapes, textures, digits. Received: 'maps'"):
            Finder("", "labelled", (8, 8), (8, 8))("maps")


class DrawnTest(parameterized.TestCase):
    @parameterized.parameters(*LABELLED)
    def test_an_index_is_one_image_and_classes_follow_each_other(self, task):
        images = [draw_labelled(task, index, 16, seed) for index, seed in ((3, 0), (3, 0), (3, 1), (4, 0))]
        self.assertEqual((images[0].shape, images[0].dtype), ((16, 16, 3), np.uint8))
        self.assertTrue(np.array_equal(images[0], images[1]))
        self.assertFalse(np.array_equal(images[0], images[2]))
        count = len(LABELLED[task].classes)
        self.assertEqual([label_of(task, index) for index in range(count + 1)], [*range(count), 0])

    def test_they_are_found(self):
        data = Finder("", "labelled", (16, 16), (16, 16), drawn_images=12, validation=0.5)("shapes")
        self.assertEqual(data.labels, LABELLED["shapes"].classes)
        self.assertEqual({split: len(source) for split, source in data.sources.items()}, {
            "train": 12, "test": 200, "validation": 6,
        })  # fmt: skip
        source = data.sources["test"]
        self.assertTrue(np.array_equal(source[7][0], draw_labelled("shapes", 1_000_007, 16)))
        self.assertEqual(source.labels[7], label_of("shapes", 1_000_007))


class AugmentTest(absltest.TestCase):
    def batches(self, **settings):
        data = Finder("", "labelled", (16, 16), (16, 16), drawn_images=4)("shapes")
        stream = Stream(data.train, 16, 16, batch_size=4, **settings)
        images, labels = next(iter(stream.dataset(0, 1)))
        originals = [image[0] / 127.5 - 1 for image in map(data.sources["train"].__getitem__, range(4))]
        return np.asarray(images), [originals[label] for label in np.asarray(labels)]

    def test_without_flip_and_padding_images_are_as_they_are(self):
        images, originals = self.batches(flip=False)
        np.testing.assert_allclose(images, originals, atol=1e-6)

    def test_padding_shifts_images_in_gray(self):
        images, originals = self.batches(flip=False, padding=4)
        for image, original in zip(images, originals):
            padded = np.pad(original, ((4, 4), (4, 4), (0, 0)))
            windows = [padded[top : top + 16, left : left + 16] for top in range(9) for left in range(9)]
            self.assertLess(min(np.abs(image - window).max() for window in windows), 1e-6)
        self.assertGreater(np.abs(images - originals).max(), 0.1)


if __name__ == "__main__":
    absltest.main()
