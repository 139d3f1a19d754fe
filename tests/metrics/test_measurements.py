import json
import os

import numpy as np
import tensorflow as tf

from pgtf.metrics.hashes import arrays_sha256, files_sha256, images_sha256
from pgtf.metrics.measurements import ImageSet, Measurement

SET = ImageSet("test", 5, (4, 6), "right half", "hash")
IMAGES = np.random.default_rng(0).integers(256, size=(5, 4, 6, 3), dtype="uint8")


class FigureTest(tf.test.TestCase):
    def test_is_plain_data(self):
        figure = Measurement("KID-768", 0.5, standard_error=0.25, real=SET, extractor={"name": "net"}, notes=("few",))
        facts = json.loads(json.dumps(figure.facts, allow_nan=False))
        self.assertEqual((facts["value"], facts["standard_error"], facts["notes"]), (0.5, 0.25, ["few"]))
        self.assertEqual(facts["real"]["size"], [4, 6])
        self.assertEqual(facts["real"]["sha256"], "hash")

    def test_images_of_other_types_are_refused(self):
        images = {"split": "test", "n": 3, "size": [8, 12], "part": "whole", "sha256": "a"}
        facts = Measurement("L1", 0.5, generated=ImageSet(**images)).facts
        self.assertEqual(Measurement.from_facts(facts).facts, facts)
        for name, value in (("split", ["test"]), ("n", 3.5), ("sha256", None)):
            with self.assertRaisesRegex(ValueError, f"`{name}` must be"):
                Measurement.from_facts({**facts, "generated": {**images, name: value}})

    def test_reads_well(self):
        figure = Measurement("KID-768", 0.123456, standard_error=0.0123, real=SET, generated=SET, notes=("few",))
        self.assertEqual(str(figure), "KID-768 0.12346 ± 0.012 (5 real; 5 generated; few)")
        self.assertEqual(str(Measurement("Acc", None, "one task")), "Acc – (one task)")

    def test_has_a_finite_value_or_a_reason(self):
        for value, reason in ((None, ""), (1.0, "why not")):
            with self.assertRaisesRegex(ValueError, "either a value or a reason"):
                Measurement("Acc", value, reason)
        for value in (float("nan"), float("inf")):
            with self.assertRaisesRegex(ValueError, "finite"):
                Measurement("PSNR", value)

    def test_an_empty_split_is_refused(self):
        with self.assertRaisesRegex(ValueError, "at least one image. Received: 'test' with 0"):
            ImageSet("test", 0, (4, 6), "whole", "hash")


class HashesTest(tf.test.TestCase):
    def test_of_files_are_of_names_contents_and_order(self):
        folder = self.create_tempdir().full_path

        def written(name, content):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            return path

        a, b, c = written("a", b"1"), written("b", b"2"), written("c", b"1")
        found = [files_sha256(paths) for paths in ([a, b], [b, a], [c, b], [a], [a, a])]
        found.append(files_sha256([written("a", b"3"), b]))
        self.assertLen(set(found), 6)
        self.assertEqual(files_sha256([written("a", b"1"), b]), found[0])

    def test_of_images_are_of_sizes_pixels_and_order(self):
        changed = IMAGES.copy()
        changed[4, 3, 5, 2] ^= 1
        others = [IMAGES, IMAGES[::-1], IMAGES[:4], IMAGES.reshape(5, 6, 4, 3), changed]
        self.assertLen({images_sha256(images) for images in others}, len(others))
        self.assertEqual(images_sha256(IMAGES), images_sha256(np.asfortranarray(IMAGES)))

    def test_of_arrays_are_of_names_types_and_values(self):
        x = np.arange(4, dtype="float32")
        others = [{"a": x}, {"b": x}, {"a": x.reshape(2, 2)}, {"a": x.view("int32")}, {"a": x + 1}, {"a": x, "b": x}]
        self.assertLen({arrays_sha256(arrays) for arrays in others}, len(others))


if __name__ == "__main__":
    tf.test.main()
