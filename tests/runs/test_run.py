"""A run directory, used as it lies."""

import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

import pgtf
from pgtf import layers
from pgtf.data.rgb_images import to_float, to_uint8
from pgtf.foundation.errors import BankError
from tests.tiny import flip_a_bit, tiny_run


def noise(*shape):
    return np.random.default_rng(5).integers(0, 256, [*shape, 3], dtype="uint8")


class RunTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        place = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, place)
        cls.folder = tiny_run(os.path.join(place, "runs", "one"))

    @parameterized.parameters(
        ("unet", "instance", "pix2pix", ("forward",)),
        ("unet", "batch", "pix2pix", ("forward",)),
        ("resnet", "instance", "cyclegan", ("forward", "backward")),
    )
    def test_a_task_gives_what_was_recorded(self, network, norm, objective, prefixes):
        folder = tiny_run(self.create_tempdir().full_path, network=network, norm=norm, objective=objective)
        task = pgtf.load(folder)["maps"]
        self.assertCountEqual(task.probes.inputs, prefixes)
        for prefix in prefixes:
            given, recorded = task.probes.inputs[prefix], to_uint8(task.probes.outputs[prefix])
            self.assertGreater(np.ptp(recorded), 50, "a picture of nothing proves nothing")
            self.assertAllClose(task(given, backward=prefix == "backward"), recorded, atol=1)
            self.assertAllClose(task(given[1], backward=prefix == "backward"), recorded[1], atol=1)

    def test_runs_and_tasks_are_shown_in_a_line(self):
        run = pgtf.load(self.folder)
        self.assertRegex(repr(run), rf"^<Run '{self.folder}': facades, maps, 0\.\d\d MB>$")
        self.assertRegex(repr(run["maps"]), r"^<Task 'maps': piggyback, 0\.\d\d MB>$")

    def test_nothing_is_printed_by_libraries(self):
        script = f"import pgtf, numpy; pgtf.load({self.folder!r})['maps'](numpy.zeros([8, 8], 'uint16'))"
        environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_names_of_the_package(self):
        self.assertEqual(pgtf.__all__, ["PiggybackConv2D", "PiggybackConv2DTranspose", "__version__", "load"])
        self.assertIs(pgtf.PiggybackConv2D, layers.PiggybackConv2D)
        self.assertIs(pgtf.PiggybackConv2DTranspose, layers.PiggybackConv2DTranspose)

    def test_every_value_matters(self):
        """Every stored value changes the output: biases and norms too."""
        run, image = pgtf.load(self.folder), noise(32, 32)
        task = run["maps"]
        (network,) = task.networks.values()
        before = network(to_float(image)[None]).numpy()
        for variable in network.weights:
            if "draws" in variable.name:
                continue
            value = variable.numpy()
            variable.assign(value + 0.5)
            # A bias before a norm is taken out by it again.
            if not ("bias" in variable.name and variable.shape != (3,)):
                self.assertNotAllClose(network(to_float(image)[None]).numpy(), before, atol=1e-4, msg=variable.name)
            variable.assign(value)

    def test_sizes_and_batches(self):
        task = pgtf.load(self.folder)["facades"]
        for shape in ((1, 1), (17, 40), (3, 20, 16)):
            self.assertEqual(task(noise(*shape)).shape, (*shape, 3))
        self.assertEqual(task(noise(70, 30), tile=32).shape, (70, 30, 3))
        images = noise(2, 20, 16)
        self.assertAllEqual(task(images)[1], task(images[1]))

    def test_a_task_is_made_once(self):
        run = pgtf.load(self.folder)
        self.assertIs(run["maps"], run["maps"])
        self.assertIs(run["maps"].translator(), run["maps"].translator())

    def test_no_way_back(self):
        with self.assertRaisesRegex(ValueError, "The task has no backward direction..* Received: 'maps'"):
            pgtf.load(self.folder)["maps"](noise(16, 16), backward=True)

    def test_a_name_that_is_none_is_answered_with_those_that_are(self):
        with self.assertRaisesRegex(ValueError, "one of facades, maps. Received: 'map'"):
            pgtf.load(self.folder)["map"]

    def test_a_folder_that_is_no_run_is_answered_with_those_that_are(self):
        beside = os.path.join(os.path.dirname(self.folder), "on")
        for folder in (beside, os.path.dirname(self.folder)):
            rule = rf"Received: {folder}, which is none; there are: {self.folder}$"
            with self.assertRaisesRegex(FileNotFoundError, rule):
                pgtf.load(folder)
        empty = self.create_tempdir().full_path
        os.makedirs(os.path.join(empty, "tasks", "01-maps", "train"))
        with self.assertRaisesRegex(FileNotFoundError, "no task is learned yet; there are: none near it"):
            pgtf.load(empty)

    def test_slices_and_probes_are_all_it_takes(self):
        """Moved elsewhere, without checkpoints, TensorBoard or config, while the next task is being learnt."""
        image = noise(20, 30)
        before = {task.name: task(image) for task in pgtf.load(self.folder)}
        self.assertNotAllClose(before["facades"], before["maps"], atol=1)
        moved = os.path.join(self.create_tempdir().full_path, "elsewhere")
        shutil.copytree(self.folder, moved)
        shutil.rmtree(os.path.join(moved, "tensorboard"))
        os.unlink(os.path.join(moved, "config.cfg"))
        for name in os.listdir(os.path.join(moved, "tasks")):
            shutil.rmtree(os.path.join(moved, "tasks", name, "train"))
        os.makedirs(os.path.join(moved, "tasks", "03-streets", "train"))
        run = pgtf.load(moved)
        self.assertEqual(run.names, ["facades", "maps"])
        for task in run:
            self.assertAllEqual(task(image), before[task.name])
            self.assertTrue(task.replay().bit_equal)

    def test_an_altered_slice_is_refused_when_it_is_used(self):
        folder = self.create_tempdir().full_path
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        flip_a_bit(os.path.join(folder, "tasks", "02-maps", "slice.safetensors"))
        run, image = pgtf.load(folder), noise(20, 16)
        self.assertAllEqual(run["facades"](image), pgtf.load(self.folder)["facades"](image))
        for use in (lambda task: task(image), lambda task: task.networks, lambda task: task.replay()):
            with self.assertRaisesRegex(BankError, "sha256 differs. Received: .*02-maps/slice.safetensors"):
                use(run["maps"])


if __name__ == "__main__":
    tf.test.main()
