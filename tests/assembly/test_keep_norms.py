"""With --keep_norms a later task has the first task's norms, and no step moves them."""

import dataclasses
import tempfile

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.planned_data import data_of, with_data
from pgtf.config import load_config, task_plans
from pgtf.runs.run import Run
from tests.tiny import tiny_run

BATCH = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype("float32"), np.array([1, 0], "int32")


class KeepNormsTest(tf.test.TestCase):
    def test_norms_are_the_first_tasks_and_stay(self):
        run = Run(tiny_run(tempfile.mkdtemp(), ("shapes", "textures"), "resnet18", "classification", method="mask"))
        config = dataclasses.replace(load_config(run.folder), keep_norms=True)
        plan = task_plans(dataclasses.replace(config, tasks=(*config.tasks, "digits")))[2]
        learner = build.learner(with_data(plan, data_of(plan)), run.bank, steps=10)
        network = learner.generators["forward"]
        before = layers.state(network)
        learner.step(BATCH)
        after, first = layers.state(network), run.bank["shapes"].values
        norms = [path for path in after if "_norm/" in path]
        self.assertLen(norms, 4 * 5)
        for path in norms:
            self.assertAllEqual(after[path], first[path], path)
        self.assertNotAllClose(after["forward/scores/unconstrained"], before["forward/scores/unconstrained"])
        trained = {id(variable) for variable in learner.trained("generators")}
        kept = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        self.assertFalse(trained & {id(variable) for layer in kept for variable in layer.weights})


if __name__ == "__main__":
    tf.test.main()
