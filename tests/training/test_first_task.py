"""A run that begins with another run's first task."""

import dataclasses
import os

import tensorflow as tf
from absl.testing import parameterized

from pgtf.assembly.bank import NetworkBank
from pgtf.config import load_config, task_plans
from pgtf.methods import METHODS
from pgtf.runs.run import Run
from pgtf.training.first_task import take_base
from tests.tiny import tiny_run


class BaseTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.other = tiny_run(self.create_tempdir().full_path, ("facades", "maps"))
        self.folder = self.create_tempdir().full_path

    def taken(self, **changes):
        """A bank that has taken what a config with these changes says."""
        config = dataclasses.replace(
            load_config(self.other), run_dir=self.folder, first_task_from=self.other, **changes
        )
        bank = NetworkBank(folder=os.path.join(self.folder, "tasks"))
        take_base(task_plans(config)[0], bank)
        return bank

    @parameterized.parameters("mask", "full", "finetune", "progressive")
    def test_the_first_task_is_the_others(self, method):
        self.assertEqual(self.taken(method=METHODS[method]()).names, ["facades"])
        ours, theirs = Run(self.folder).at(0), Run(self.other).at(0)
        self.assertIsInstance(ours.facts.method, METHODS[method])
        self.assertTrue(ours.replay().bit_equal)
        self.assertEqual(set(ours.slice.values), set(theirs.slice.values))
        for path, value in theirs.slice.values.items():
            self.assertAllEqual(ours.slice.values[path], value)

    @parameterized.parameters(
        ({"tasks": ("maps", "facades")}, "must be this run's"),
        ({"width": 8}, "must be this run's"),
        ({"method": METHODS["half"]()}, "lacks arrays that its networks need"),
    )
    def test_of_other_shapes(self, changes, rule):
        with self.assertRaisesRegex(ValueError, rule):
            self.taken(**changes)
        self.assertEmpty(os.listdir(self.folder))

    def test_generators_of_another_size_are_refused(self):
        self.other = tiny_run(self.create_tempdir().full_path, ("faces", "cats"), "stylegan2", "unconditional")
        with self.assertRaisesRegex(ValueError, "must be this run's.*32.*Received: .*16"):
            self.taken(image_size="32")
        self.assertEmpty(os.listdir(self.folder))
        self.assertEqual(self.taken().names, ["faces"])

    def test_a_run_with_tasks_takes_nothing(self):
        bank = NetworkBank.open(os.path.join(self.other, "tasks"))
        config = dataclasses.replace(load_config(self.other), first_task_from="/nowhere")
        take_base(task_plans(config)[0], bank)
        self.assertEqual(bank.names, ["facades", "maps"])


if __name__ == "__main__":
    tf.test.main()
