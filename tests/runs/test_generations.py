"""A run learned on Keras 2.15 or on Keras 3 is verified, used, exported and continued on either."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

import pgtf
from pgtf.config.flagfile import load_config
from pgtf.data.rgb_images import to_float, to_uint8
from pgtf.runs.verify import verdicts
from pgtf.serving.export import export
from pgtf.serving.tflite import TFLite
from pgtf.storage.task_slice import FORMAT
from tests.training.test_sequence import ran

pytestmark = pytest.mark.usefixtures("step_by_step")

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures"


# On the generation that made it, a run is tried everywhere else.
TRIED = ("keras2_long", "keras2"), ("keras3", "keras3")


class GenerationsTest(tf.test.TestCase, parameterized.TestCase):
    def run_of(self, fixture):
        folder = pathlib.Path(self.create_tempdir().full_path) / "run"
        shutil.copytree(FIXTURES / fixture, folder)
        return str(folder)

    def test_there_is_a_run_of_every_format(self):
        descriptions = [json.loads(path.read_text()) for path in FIXTURES.glob("*/tasks/*/slice.json")]
        formats = set(range(1, FORMAT + 1)) - {2}  # No release wrote 2.
        self.assertEqual({description["format"] for description in descriptions}, formats)

    @parameterized.parameters(("keras2", 2), ("keras3", 2), ("format4", 2), ("format5", 1))
    def test_every_task_is_what_was_learnt(self, fixture, tasks):
        found = list(verdicts(self.run_of(fixture)))
        self.assertLen(found, tasks)
        for verdict in found:
            self.assertTrue(verdict.holds, verdict)

    @parameterized.parameters("keras2", "keras3")
    def test_translates_as_the_verified_network_does(self, fixture):
        for task in pgtf.load(self.run_of(fixture)):
            self.assertTrue(task.replay().holds)
            images = np.concatenate([task.probes.inputs["forward"]] * 2, 1)  # 16 rows: none are padded.
            answers = task.networks["forward"](to_float(images)).numpy()
            self.assertAllClose(task(images), to_uint8(answers), atol=1)

    @parameterized.named_parameters(*TRIED)
    def test_is_taught_one_more_task(self, fixture):
        folder = self.run_of(fixture)
        tasks = pathlib.Path(folder, "tasks")
        before = {path: path.read_bytes() for path in tasks.glob("*/slice.*")}
        config = dataclasses.replace(load_config(folder), tasks=("maps", "facades", "cityscapes"))
        _, said = ran(config)
        for name in config.tasks:
            self.assertRegex(said, f"after cityscapes: {name} replays (bit-equal|within tolerance)")
        self.assertEqual({path: path.read_bytes() for path in before}, before)
        found = list(verdicts(folder))
        self.assertEqual([verdict.holds for verdict in found], [True] * 3, found)

    @parameterized.named_parameters(*TRIED)
    def test_an_export_answers_as_the_task_did(self, fixture):
        folder = self.run_of(fixture)
        output = pathlib.Path(folder) / "out"
        export(pgtf.load(folder), str(output), [TFLite()], ["facades"])  # It is asked, and refused if it is wrong.
        self.assertTrue((output / "facades.tflite").exists())


if __name__ == "__main__":
    tf.test.main()
