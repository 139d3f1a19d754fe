"""Methods over the first task's kernels: where they begin, what they borrow, what they refuse."""

import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.command_line import load_config
from pgtf.config import Config
from pgtf.evaluation.parameters import plan, summary
from pgtf.methods import METHODS, LowRank, Modulated
from pgtf.methods.backbone import Backbone
from pgtf.networks import Architecture
from pgtf.recipes import Full
from pgtf.runs import building
from pgtf.runs.bank import FilterBank
from pgtf.runs.directory import Run
from pgtf.runs.stages import Sequence
from tests.tiny import tiny_run

PAPER = Architecture("unet", (256, 256), width=64)
ROWS = [name for name, kind in METHODS.items() if issubclass(kind, Backbone)]


@parameterized.parameters(*ROWS)
class BackboneTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_third_task_borrows_from_the_first_alone_and_begins_as_it_to_the_bit(self, method):
        folder = tiny_run(tempfile.mkdtemp(), method=method)
        run, image = Run(folder), np.random.default_rng(0).uniform(-1, 1, (1, 8, 16, 3)).astype("float32")
        network = building.learner(load_config(folder), 2, run.bank, steps=10).generators["forward"]
        first, second = (run[name].networks["forward"](image) for name in run.names)
        self.assertAllEqual(network(image), first)
        self.assertNotAllClose(second, first)
        self.assertEqual([borrowed.task for borrowed in run.bank.slice(1).borrows], ["facades"])

    def test_the_first_task_is_free(self, method):
        networks = building.generators(Architecture(size=(8, 8), width=4), METHODS[method](), ("forward",))
        self.assertEqual({type(recipe) for recipe in layers.made_kernels(networks["forward"]).values()}, {Full})

    def test_a_first_task_of_another_width_is_refused(self, method):
        folder = tiny_run(tempfile.mkdtemp(), method=method)
        lenders = Run(folder).bank.only(["facades"])
        with self.assertRaisesRegex(ValueError, r"its own shape: \(4, 4, 3, 8\). Received: a bank \(4, 4, 3, 4\)"):
            building.generators(Architecture(size=(8, 8), width=8), METHODS[method](), ("forward",), lenders)

    def test_a_later_task_without_the_first_is_refused(self, method):
        run = Run(tiny_run(tempfile.mkdtemp(), method=method))
        with self.assertRaisesRegex(ValueError, "needs the slices that it borrows from. Received: none of 'facades'"):
            FilterBank([run.bank.slice(1)]).of(run.bank.slice(1).borrows)


class SizesTest(tf.test.TestCase):
    """Of the paper's U-Net, with pencil and paper: (c_in, c_out) of its kernels, 4 × 4 each."""

    KERNELS = [(3, 64), (64, 128), (128, 256), (256, 512), *[(512, 512)] * 4]
    KERNELS += [(512, 512), *[(1024, 512)] * 3, (1024, 256), (512, 128), (256, 64)]
    OWN = 4 * 4 * 128 * 3 + 5_507 + 9_856  # The output layer, biases and norms.

    def values(self, method):
        return summary(plan(("one", "two", "three"), PAPER, method, ("forward",)))["tasks"]

    def test_modulated(self):
        expected = sum(2 * c_in * c_out for c_in, c_out in self.KERNELS) + self.OWN
        self.assertEqual([task["values"] for task in self.values(Modulated())[1:]], [expected] * 2)

    def test_low_rank(self):
        for rank in (1, 4, 48):
            expected = sum(2 * rank * (16 * c_in + c_out) for c_in, c_out in self.KERNELS) + self.OWN
            self.assertEqual([task["values"] for task in self.values(LowRank(rank))[1:]], [expected] * 2)


class DoorTest(tf.test.TestCase):
    def test_a_rank_that_a_layer_does_not_have_is_refused_before_anything_is_learnt_or_written(self):
        folder = self.create_tempdir().full_path
        with self.assertRaisesRegex(ValueError, r"\[1, 48\] for a kernel \(4, 4, 3, 64\).* Received: 49"):
            Sequence(Config(run_dir=folder, tasks=("maps",), method=LowRank(49)))
        self.assertEmpty(tf.io.gfile.listdir(folder))


if __name__ == "__main__":
    tf.test.main()
