import os

import numpy as np
import tensorflow as tf

from pgtf.metrics import cache
from pgtf.metrics.activations import Activations, activations, kept_activations
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.measurements import ImageSet

IMAGES = np.random.default_rng(0).integers(256, size=(5, 4, 6, 3), dtype="uint8")
SET = ImageSet("test", 5, (4, 6), "right half", "hash of the files")


def extractor(**changes):
    facts = dict(name="tiny", sha256="net", network=lambda x: x[:, 1, 2], dimensions=3, space="D-3", batch_size=2)
    return Extractor(**{**facts, **changes})


class ActivationsTest(tf.test.TestCase):
    def test_are_the_features_in_order_with_where_they_are_from(self):
        for images in (IMAGES, iter(IMAGES), list(IMAGES)):
            found = activations(extractor(), images, SET)
            self.assertAllClose(found.features, IMAGES[:, 1, 2] / 127.5 - 1, atol=1e-6)
            self.assertEqual((found.images, found.extractor), (SET, extractor().facts))

    def test_another_count_is_refused(self):
        for images in (IMAGES[:4], IMAGES[:0]):
            with self.assertRaisesRegex(ValueError, rf"Received: \[{len(images)}, 3\] for 5 images"):
                activations(extractor(), images, SET)
        with self.assertRaisesRegex(ValueError, r"Activations must be \[n, d\].* Received: \[5\] for 5"):
            Activations(np.zeros(5), SET, {})

    def test_another_size_is_refused(self):
        for images in (IMAGES.transpose(0, 2, 1, 3), [*IMAGES[:4], IMAGES[4].transpose(1, 0, 2)]):
            with self.assertRaisesRegex(ValueError, r"of the set's size, \(4, 6\). Received: .*\(6, 4\)"):
                activations(extractor(), images, SET)


class KeptTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.reads = 0

    def read(self):
        self.reads += 1
        return IMAGES

    def kept(self, image_set=SET, **changes):
        return kept_activations(self.folder, extractor(**changes), self.read, image_set)

    def test_images_are_read_once(self):
        first, second = self.kept(), self.kept()
        self.assertEqual(self.reads, 1)
        self.assertAllEqual(first.features, second.features)
        self.assertAllClose(second.features, IMAGES[:, 1, 2] / 127.5 - 1, atol=1e-6)
        self.assertEqual((first.images, first.extractor), (second.images, second.extractor))

    def test_another_set_or_extractor_is_another_file(self):
        self.kept()
        others = [
            dict(image_set=ImageSet("test", 5, (4, 6), "right half", "other files")),
            dict(image_set=ImageSet("test", 5, (4, 6), "left half", "hash of the files")),
            dict(sha256="other net"),
            dict(name="tiny:other"),
            dict(size=(2, 3), network=lambda x: x[:, 1, 1]),
            dict(value_range=(0, 1)),
        ]
        for count, other in enumerate(others, start=2):
            self.kept(**other)
            self.kept(**other)
            self.assertEqual(self.reads, count)
        self.assertLen(os.listdir(self.folder), 1 + len(others))
        self.kept(batch_size=5)
        self.assertEqual(self.reads, 1 + len(others))

    def test_a_corrupt_file_is_made_anew(self):
        features = self.kept().features
        (name,) = os.listdir(self.folder)
        path = os.path.join(self.folder, name)
        with open(path, "rb") as file:
            whole = file.read()
        flipped = whole[:-1] + bytes([whole[-1] ^ 1])
        for count, content in enumerate((b"", b"short", whole[:-4], whole + b"x", flipped), start=2):
            with open(path, "wb") as file:
                file.write(content)
            self.assertAllEqual(self.kept().features, features)
            self.assertEqual(self.reads, count)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), whole)

    def test_a_file_under_anothers_name_is_made_anew(self):
        cache.load_or_compute(self.folder, {"of": 1}, lambda: {"x": np.zeros(2)})
        (first,) = os.listdir(self.folder)
        cache.load_or_compute(self.folder, {"of": 2}, lambda: {"x": np.ones(2)})
        (second,) = {*os.listdir(self.folder)} - {first}
        os.replace(os.path.join(self.folder, first), os.path.join(self.folder, second))
        self.assertAllEqual(cache.load_or_compute(self.folder, {"of": 2}, lambda: {"x": np.ones(2)})["x"], np.ones(2))

    def test_what_another_process_makes_meanwhile_is_what_all_go_on_with(self):
        def make():
            cache.load_or_compute(self.folder, {}, lambda: {"x": np.ones(2)})  # The other one, which is done before.
            return {"x": np.zeros(2)}

        for _ in range(2):
            self.assertAllEqual(cache.load_or_compute(self.folder, {}, make)["x"], np.ones(2))

    def test_arrays_come_back_as_they_were(self):
        arrays = {"b": np.arange(6, dtype="int16").reshape(2, 3).T, "a": np.float64(np.pi)[None]}
        for _ in range(2):
            found = cache.load_or_compute(self.folder, {}, lambda: arrays)
            for name, value in arrays.items():
                self.assertAllEqual(found[name], value)
                self.assertEqual(found[name].dtype, value.dtype)


if __name__ == "__main__":
    tf.test.main()
