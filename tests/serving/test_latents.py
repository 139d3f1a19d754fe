"""Exports of generators: latents to images."""

import os

import numpy as np
import pytest
import tensorflow as tf

import pgtf
from pgtf.serving.export import export
from pgtf.serving.saved_model import SavedModel
from pgtf.serving.tflite import TFLite, interpreter
from tests.tiny import tiny_run


class LatentsTest(tf.test.TestCase):
    @pytest.mark.long
    def test_a_saved_model_and_a_tflite_file_generate_what_the_task_does(self):
        folder = self.create_tempdir().full_path
        run = pgtf.load(tiny_run(os.path.join(folder, "run"), ("faces", "cats"), "stylegan2", "unconditional"))
        output = os.path.join(folder, "out")
        export(run, output, [SavedModel(1), TFLite()], ["cats"])
        latents = np.random.default_rng(0).normal(size=(3, 32)).astype("float32")
        expected = run["cats"].image_generator(latents)
        asked = tf.saved_model.load(os.path.join(output, "cats", "1")).signatures
        levels = asked["serving_default"](latents=tf.constant(latents))["images"].numpy()
        self.assertAllClose(levels, expected, atol=1)
        files = asked["encoded"](latents=tf.constant(latents))["image_bytes"].numpy()
        self.assertAllEqual(tf.io.decode_png(files[1]), levels[1])
        ask = interpreter()(os.path.join(output, "cats.tflite")).get_signature_runner()
        made = ask(latents=latents[:1])["images"]
        self.assertAllClose(made, asked["floats"](latents=tf.constant(latents[:1]))["images"], atol=1e-3)
        with self.assertRaisesRegex(ValueError, "generator has the size of training"):
            export(run, output, [TFLite((32, 32))], ["faces"])

    def test_translating_with_a_generator_is_refused(self):
        run = pgtf.load(tiny_run(self.create_tempdir().full_path, ("faces", "cats"), "stylegan2", "unconditional"))
        with self.assertRaisesRegex(ValueError, "Only tasks of images can translate. Use `pgtf generate`"):
            run["faces"](np.zeros((16, 16, 3), "uint8"))


if __name__ == "__main__":
    tf.test.main()
