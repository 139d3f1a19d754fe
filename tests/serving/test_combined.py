"""Many tasks in one SavedModel: each answers as it did when it was learned, and no value is stored twice."""

import concurrent.futures
import glob
import os

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.methods import Piggyback
from pgtf.runs.run import Run
from pgtf.serving.combined import export_combined
from pgtf.serving.sharing import mixing_activations_is_cheaper, sharing_network
from tests.tiny import tiny_run

TASKS = ("facades", "maps", "streets")


class CombinedTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("piggyback", TASKS, {}, 1),
        ("first_rounded_both_ways_long", TASKS[1:], dict(network="resnet", objective="cyclegan", precision="int8",
                                         method=Piggyback(borrow_from="first", share_bank=True)), 2),
        ("equal_steps_and_free_kernels_long", TASKS[1:], dict(method=Piggyback(equal_steps=True, free_up_to=500)), 1),
    )  # fmt: skip
    def test_each_task_answers_as_recorded_and_values_are_there_once(self, tasks, settings, ways):
        run = Run(tiny_run(self.create_tempdir().full_path, tasks, **settings))
        path = export_combined(run, self.create_tempdir().full_path)
        loaded = tf.saved_model.load(path)
        for task in run:
            for prefix in task.facts.generators:
                images, expected = task.probes.inputs[prefix], task.probes.outputs[prefix]
                name = task.name if prefix == "forward" else f"{task.name}_backward"
                given = tf.constant(images / np.float32(127.5) - 1)
                made = loaded.signatures["floats"](images=given, task=tf.constant(name))["images"]
                self.assertAllClose(made, expected, atol=1e-4)
        stored = sum(np.prod(variable.shape) for variable in loaded.values)
        self.assertEqual(stored, sum(task.slice.size for task in run))
        size = sum(os.path.getsize(file) for file in glob.glob(os.path.join(path, "variables", "*.data*")))
        self.assertLess(size, 4 * stored + 20_000)
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, f"must be one of {tasks[0]}, .*streets"):
            loaded.signatures["floats"](images=given, task=tf.constant("shoes"))
        if ways == 1:
            with self.assertRaisesRegex(ValueError, "path exists.*combined/1"):
                export_combined(run, os.path.dirname(os.path.dirname(path)), tasks=tasks[:1])

    def test_requests_of_many_threads_for_many_tasks(self):
        run = Run(tiny_run(self.create_tempdir().full_path, TASKS))
        ask = tf.saved_model.load(export_combined(run, self.create_tempdir().full_path)).signatures["floats"]
        probes = {task.name: task.probes for task in run}

        def worst(seed):
            """Returns the largest difference from the recorded outputs in 6 requests, of 1 to 4 images each."""
            rng, differences = np.random.default_rng(seed), []
            for _ in range(6):
                name, count = rng.choice(TASKS), rng.integers(1, 5)
                images, expected = (each["forward"][:count] for each in (probes[name].inputs, probes[name].outputs))
                given = tf.constant(images / np.float32(127.5) - 1)
                made = ask(images=given, task=tf.constant(name))["images"].numpy()
                self.assertEqual(made.shape, expected.shape)
                differences.append(np.abs(made - expected).max())
            return max(differences)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertAllLess(list(pool.map(worst, range(4))), 1e-4)
        others = np.abs(probes["maps"].outputs["forward"] - probes["facades"].outputs["forward"]).max()
        self.assertGreater(others, 1e-2)  # An answer of another task would be seen.

    def test_other_methods_come_as_plain_networks(self):
        run = Run(tiny_run(self.create_tempdir().full_path, ("facades", "maps"), method="mask"))
        path = export_combined(run, self.create_tempdir().full_path, version=3, tasks=["maps"])
        ask, probes = tf.saved_model.load(path).signatures["serving_default"], run["maps"].probes
        made = ask(images=tf.constant(probes.inputs["forward"]), task=tf.constant("maps"))["images"]
        self.assertAllClose(made, (probes.outputs["forward"] + 1) * 127.5, atol=0.51)

    def test_the_cheaper_way_by_hand(self):
        # A kernel [4, 4, 2, 6] from 8 filters: composing 32·8·6 + n·32·6, mixing n·32·8 + n·8·6, equal at n = 13.7.
        for side, expected in ((3, True), (4, False)):
            maps = (None, side, side, 2), (None, side, side, 6)
            self.assertEqual(mixing_activations_is_cheaper((4, 4, 2, 6), 8, *maps), expected)

    def test_each_layer_takes_the_cheaper_way_at_the_training_size(self):
        run, filters = Run(tiny_run(self.create_tempdir().full_path, ("facades", "maps"), size=(32, 32))), {}
        _, network = (sharing_network(task, "forward", filters) for task in run)
        mixes = {layer.name: layer.mixes_activations for layer in network.layers if hasattr(layer, "lenders")}
        # Composing down1, [4, 4, 3, 4] with λ = 1/4: 48·4·3 + 256·48·3; mixing: 256·48·4 + 256·4·3.
        self.assertFalse(mixes["down1"])
        # Composing down5, [4, 4, 32, 32]: 512·32·24 + 512·24; mixing: 512·32 + 32·24.
        self.assertTrue(mixes["down5"])


if __name__ == "__main__":
    tf.test.main()
