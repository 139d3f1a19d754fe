"""A run learnt on Keras 2.15 or on Keras 3 is verified and exported on either."""

import pathlib
import shutil

import tensorflow as tf
from absl.testing import parameterized

import pgtf
from pgtf.runs.verify import verdicts
from pgtf.serving.export import export
from pgtf.serving.tflite import TFLite

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures"


@parameterized.parameters("keras2", "keras3")
class GenerationsTest(tf.test.TestCase, parameterized.TestCase):
    def run_of(self, fixture):
        folder = pathlib.Path(self.create_tempdir().full_path) / "run"
        shutil.copytree(FIXTURES / fixture, folder)
        return str(folder)

    def test_every_task_is_what_was_learnt(self, fixture):
        found = list(verdicts(self.run_of(fixture)))
        self.assertLen(found, 2)
        for verdict in found:
            self.assertTrue(verdict.holds, verdict)

    def test_an_export_answers_as_the_task_did(self, fixture):
        folder = self.run_of(fixture)
        output = pathlib.Path(folder) / "out"
        export(pgtf.load(folder), str(output), [TFLite()], ["facades"])  # It is asked, and refused if it is wrong.
        self.assertTrue((output / "facades.tflite").exists())


if __name__ == "__main__":
    tf.test.main()
