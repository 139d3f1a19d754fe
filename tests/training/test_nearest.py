"""Which tasks are closest is found when a task begins, written down, and not asked again while it is learnt."""

import json
import os

import numpy as np
import tensorflow as tf

from pgtf.runs.run import Run
from pgtf.storage.probes import Probes
from pgtf.training.task_record import nearest_recorded
from tests.tiny import tiny_run

TASKS = ("facades", "maps", "streets")


class NearestTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.run_ = Run(tiny_run(self.create_tempdir().full_path, TASKS))
        self.folder = self.create_tempdir().full_path

    def nearest(self, name):
        """Returns the tasks nearest to one whose images are almost those of the learned task `name`."""
        probes = self.run_[name].probes
        images = {prefix: np.maximum(images, 1) for prefix, images in probes.inputs.items()}
        return nearest_recorded(self.run_.bank, Probes(images, images), self.folder)

    def test_the_task_with_almost_the_same_images_is_first(self):
        for name in TASKS:
            found = self.nearest(name)
            self.assertEqual(found[0], name)
            self.assertCountEqual(found, TASKS)

    def test_it_stays_from_the_first_checkpoint_on(self):
        found = self.nearest("maps")
        os.makedirs(os.path.join(self.folder, "train", "step-7"))
        self.assertEqual(self.nearest("streets"), found)
        with open(os.path.join(self.folder, "nearest.json")) as file:
            self.assertEqual(json.load(file), found)

    def test_a_task_without_probes_is_left_out(self):
        os.unlink(os.path.join(self.run_["maps"].folder, "probes.safetensors"))
        self.assertCountEqual(self.nearest("facades"), ["facades", "streets"])

    def test_the_first_task_asks_nobody(self):
        bank = Run(tiny_run(self.create_tempdir().full_path, TASKS)).bank.only([])
        self.assertEqual(nearest_recorded(bank, Probes({}, {}), self.folder), [])
        self.assertEmpty(os.listdir(self.folder))


if __name__ == "__main__":
    tf.test.main()
