import hashlib
import os
import unittest.mock

import numpy as np
import pytest
import tensorflow as tf

from pgtf.metrics import pretrained
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.hashes import folder_sha256

IMAGES = np.random.default_rng(0).integers(256, size=(3, 16, 24, 3), dtype="uint8")


class Network(tf.Module):
    """A function of images, as a SavedModel has it."""

    def __init__(self, call, shape=(None, None, None, 3), dtype=tf.float32):
        super().__init__()
        self.images = tf.function(call, input_signature=[tf.TensorSpec(shape, dtype, name="images")])


def flat(images):
    return {"features": tf.reshape(images, [tf.shape(images)[0], 72])}


def centre(images):
    """16 x 24 sampled at every 4 x 4's centre: the mean of the four pixels around it, and no other."""
    return images.reshape(-1, 4, 4, 6, 4, 3)[:, :, 1:3, :, 1:3].mean(axis=(2, 4))


class ExtractorTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.get_temp_dir(), self.id().rsplit(".")[-1], "tiny")

    def saved(self, call, signature=True, **spec):
        network = Network(call, **spec)
        if not signature:
            network.__call__ = network.images
        tf.saved_model.save(network, self.folder, signatures={"serving_default": network.images} if signature else {})
        return self.folder

    def test_resizes_to_the_signature_bilinearly_without_antialias(self):
        found = pretrained.load(self.saved(flat, shape=(None, 4, 6, 3)))
        expected = centre(IMAGES / 127.5 - 1).reshape(3, 72)
        self.assertAllClose(found(IMAGES), expected, atol=1e-6)
        self.assertEqual((found.dimensions, found.size, found.name), (72, (4, 6), "tiny"))
        self.assertEqual(found.resize, "bilinear, without antialias, to 4 x 6")

    def test_resizes_to_the_size_asked_for(self):
        folder = self.saved(lambda images: {"features": images[:, 1, 2]})
        self.assertAllClose(pretrained.load(folder)(IMAGES), IMAGES[:, 1, 2] / 127.5 - 1, atol=1e-6)
        resized = pretrained.load(folder, size=(4, 6))
        self.assertAllClose(resized(IMAGES), centre(IMAGES / 127.5 - 1)[:, 1, 2], atol=1e-6)
        self.assertNotEqual(resized.facts, pretrained.load(folder).facts)

    def test_takes_any_size_where_the_network_does_and_says_how_that_resizes(self):
        def call(images):
            return {"features": tf.image.resize(images, [4, 6])[:, 1, 2]}

        found = pretrained.load(self.saved(call))
        self.assertAllClose(found(IMAGES), centre(IMAGES / 127.5 - 1)[:, 1, 2], atol=1e-6)
        self.assertEqual(found.resize, "ResizeBilinear inside the network, half-pixel centers, without antialias")
        self.assertShapeEqual(np.zeros((3, 3)), tf.constant(found(IMAGES[:, :7])))

    def test_spatial_features_are_averaged(self):
        def call(images):
            rows = tf.range(tf.shape(images)[1], dtype=tf.float32)
            return {"features": images * rows[:, None, None]}

        found = pretrained.load(self.saved(call))
        expected = ((IMAGES / 127.5 - 1) * np.arange(16.0)[:, None, None]).mean(axis=(1, 2))
        self.assertAllClose(found(IMAGES), expected, atol=1e-5)
        self.assertEqual((found.dimensions, found.resize), (3, "none"))

    def test_value_range(self):
        folder = self.saved(lambda images: {"features": images[:, 1, 2]})
        for low, high in ((0, 1), (0, 255), (-2, 1)):
            expected = IMAGES[:, 1, 2] / 255 * (high - low) + low
            self.assertAllClose(pretrained.load(folder, value_range=(low, high))(IMAGES), expected, rtol=1e-5)

    def test_batches_change_nothing(self):
        folder = self.saved(lambda images: {"features": images[:, 1, 2]})
        whole = pretrained.load(folder)(IMAGES)
        self.assertAllEqual(pretrained.load(folder, batch_size=2)(IMAGES), whole)

    def test_one_of_several_outputs(self):
        def call(images):
            return {"red": images[:, 0, :1, 0], "top": images[:, 0, 0]}

        folder = self.saved(call)
        found = pretrained.load(folder, "top")
        self.assertAllClose(found(IMAGES), IMAGES[:, 0, 0] / 127.5 - 1, atol=1e-6)
        self.assertEqual(found.name, "tiny:top")
        for output in (None, "bottom"):
            with self.assertRaisesRegex(ValueError, rf"its output must be one of red, top, not {output}"):
                pretrained.load(folder, output)

    def test_a_network_that_is_called(self):
        class Called(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
            def __call__(self, images):
                return images[:, 1, 2]

        tf.saved_model.save(Called(), self.folder, signatures={})
        self.assertAllClose(pretrained.load(self.folder)(IMAGES), IMAGES[:, 1, 2] / 127.5 - 1, atol=1e-6)

    def test_only_inceptions_distances_are_named_fid(self):
        self.assertEqual(pretrained.load(self.saved(lambda images: {"x": images[:, 1, 2]})).space, "D-3")
        named = os.path.join(os.path.dirname(self.folder), "inception_2015")
        os.rename(self.folder, named)
        self.assertEqual(pretrained.load(named).space, "ID-3")

    def test_a_handle_is_the_folder_that_it_leads_to(self):
        pytest.importorskip("tensorflow_hub")
        handle, cache = "http://127.0.0.1:9/tiny/1", os.path.dirname(self.folder)
        self.saved(lambda images: {"x": images[:, 1, 2]})
        os.rename(self.folder, os.path.join(cache, hashlib.sha1(handle.encode()).hexdigest()))
        with unittest.mock.patch.dict(os.environ, {"TFHUB_CACHE_DIR": cache}):
            found = pretrained.load(handle)
            self.assertEqual(found.name, handle)
            self.assertEqual(
                found.sha256, folder_sha256(os.path.join(cache, hashlib.sha1(handle.encode()).hexdigest()))
            )
            self.assertAllClose(found(IMAGES), IMAGES[:, 1, 2] / 127.5 - 1, atol=1e-6)
            with self.assertRaisesRegex(ValueError, "TF-Hub handle. Received: http://127.0.0.1:9/other/1"):
                pretrained.load("http://127.0.0.1:9/other/1")

    def test_the_hash_is_of_all_files_and_their_places(self):
        folder = self.saved(lambda images: {"x": images[:, 1, 2]})
        before = folder_sha256(folder)
        self.assertEqual(pretrained.load(folder).sha256, before)
        path = os.path.join(folder, "assets", "note")
        with open(path, "w") as file:
            file.write("a")
        after = folder_sha256(folder)
        os.rename(path, path + "2")
        self.assertLen({before, after, folder_sha256(folder)}, 3)

    def test_folders_without_a_network_are_refused(self):
        with self.assertRaisesRegex(ValueError, f"SavedModel's folder or a TF-Hub handle. Received: {self.folder}"):
            pretrained.load(self.folder)
        os.makedirs(self.folder)
        with self.assertRaisesRegex(ValueError, f"is not a SavedModel. Received: {self.folder}"):
            pretrained.load(self.folder)

    def test_networks_of_another_kind_are_refused(self):
        kinds = {
            "takes_gray": dict(call=lambda images: {"x": images[:, 1, 2]}, shape=(None, None, None, 1)),
            "takes_vectors": dict(call=lambda images: {"x": images}, shape=(None, 3)),
            "takes_one": dict(call=lambda images: {"x": images[:, 1, 2]}, shape=(1, None, None, 3)),
            "takes_uint8": dict(call=lambda images: {"x": tf.cast(images[:, 1, 2], tf.float32)}, dtype=tf.uint8),
            "gives_rows": dict(call=lambda images: {"x": images[:, 1]}),
            "gives_labels": dict(call=lambda images: {"x": tf.argmax(images, axis=-1)[:, 0]}),
            "gives_any_length": dict(call=lambda images: {"x": images[:, 0, :, 0]}),
        }
        for name, kind in kinds.items():
            self.folder = os.path.join(os.path.dirname(self.folder), name)
            with self.assertRaisesRegex(ValueError, rf"(?s)return features \[n, d\].*Received: {self.folder}"):
                pretrained.load(self.saved(**kind))

    def test_a_network_that_cannot_be_called_is_refused(self):
        tf.saved_model.save(tf.Module(), self.folder)
        with self.assertRaisesRegex(ValueError, "signature serving_default, or be callable"):
            pretrained.load(self.folder)


class ImagesTest(tf.test.TestCase):
    def extractor(self, network):
        return Extractor("tiny", "hash", network, dimensions=3, space="D-3")

    def test_other_images_are_refused(self):
        found = self.extractor(lambda images: images[:, 0, 0])
        for bad in (IMAGES.astype("float32"), IMAGES[0], IMAGES[:0], IMAGES[..., :1], IMAGES[:, :0], IMAGES[..., 0]):
            with self.assertRaisesRegex(ValueError, r"uint8 \[n, height, width, 3\], at least one. Received: "):
                found(bad)

    def test_other_settings_are_refused(self):
        for bad in (dict(value_range=(1, -1)), dict(value_range=(0, 0)), dict(batch_size=0)):
            with self.assertRaisesRegex(ValueError, "must rise from black to white.*Received: "):
                Extractor("tiny", "hash", lambda images: images, dimensions=3, space="D-3", **bad)

    def test_other_features_are_refused(self):
        for network in (lambda x: x[:1, 0, 0], lambda x: x[:, 0, 0, :2], lambda x: x[:, 0, 0] * np.inf):
            with self.assertRaisesRegex(ValueError, "3 finite features per image"):
                self.extractor(network)(IMAGES)


if __name__ == "__main__":
    tf.test.main()
