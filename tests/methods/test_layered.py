"""Layered: which recipe and which precision each kernel has, held against the methods that it composes."""

import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers, recipes
from pgtf.assembly import build
from pgtf.assembly.accounting import plan, summary
from pgtf.config import Config, load_config
from pgtf.methods import Layered, LowRank, Piggyback
from pgtf.networks import Architecture
from pgtf.runs.run import Run
from pgtf.training.sequence import SequentialTrainer
from tests.tiny import plan_of, tiny_run

PAPER = Architecture("unet", (256, 256), width=64)
SAME = (
    ("outer4:free,inner:piggyback(0.125)", Piggyback(0.125, free_outer=4)),
    ("outer4:free,inner:low_rank(8)", LowRank(8, free_outer=4)),
    ("inner:low_rank(3)", LowRank(3)),
)


def third(folder, layered):
    """The network with which the third task of a tiny run begins."""
    return build.initial_generators(plan_of(load_config(tiny_run(folder, method=layered)), 2), Run(folder).bank)[
        "forward"
    ]


class LayeredTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*SAME)
    def test_one_line_plans_what_a_method_with_its_own_flags_does(self, text, method):
        names = ("one", "two", "three")
        self.assertEqual(plan(names, PAPER, Layered(text), ("forward",)), plan(names, PAPER, method, ("forward",)))

    @parameterized.parameters(
        ("outer1:free,inner:piggyback(0.5)", Piggyback(0.5, free_outer=1)),
        ("outer1:free,inner:low_rank(2)", LowRank(2, free_outer=1)),
    )
    def test_one_line_begins_as_a_method_with_its_own_flags_does(self, text, method):
        expected, found = (layers.state(third(tempfile.mkdtemp(), one)) for one in (method, Layered(text)))
        self.assertEqual(found.keys(), expected.keys())
        for path, value in expected.items():
            self.assertAllEqual(found[path], value, path)

    def test_each_kernel_follows_its_first_rule(self):
        network = third(tempfile.mkdtemp(), Layered("outer1:free,up*:mask,down3:frozen,inner:piggyback(0.5)"))
        made = layers.made_kernels(network)
        kinds = {path.split("/")[1]: type(recipe) for path, recipe in made.items()}
        self.assertEqual(
            kinds,
            {
                "down1": recipes.Full,
                "down2": recipes.Piggyback,
                "down3": recipes.PartlyFree,
                "up3": recipes.Mask,
                "up2": recipes.Mask,
                "output": recipes.Full,
            },
        )
        # Mixed of both earlier tasks; adapted from the first alone.
        self.assertEqual([task for task, _ in made["forward/down2"].lenders], ["facades", "maps"])
        self.assertEqual([task for task, _ in made["forward/up2"].lenders], ["facades"])

    def test_begins_as_the_first_task(self):
        layered = Layered("outer1:free,down2:low_rank(1),up2:modulated,inner:frozen")
        folder = tempfile.mkdtemp()
        network = third(folder, layered)
        image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 16, 3)).astype("float32")
        first, second = (Run(folder)[name].networks["forward"](image) for name in ("facades", "maps"))
        self.assertAllEqual(network(image), first)
        self.assertNotAllClose(network(image), second)

    def test_each_group_is_stored_in_its_precision_and_the_first_task_in_the_run_s(self):
        text = "outer1:free:int8,inner:low_rank(2),head:free:int8,norms:free:float16,biases:free:float16"
        folder = tiny_run(tempfile.mkdtemp(), method=Layered(text), precision="float16")
        bank = Run(folder).bank
        first, second = (bank.slice(index).values.rounded for index in range(2))
        self.assertEqual({path for path in first if first[path] != "float16" or "kernel" in path}, set())
        kernels = {path for path in bank.slice(1).values if not path.endswith(("/bias", "/gamma", "/beta"))}
        outermost = {"forward/down1/unconstrained", "forward/output/unconstrained"}
        self.assertEqual({path for path in kernels if second[path] == "int8"}, outermost)
        self.assertEqual({second[path] for path in bank.slice(1).values.keys() - outermost}, {"float16"})
        self.assertNotIn("forward/down1/bias", first)

    @parameterized.parameters(
        ("outer1:free", "with a rule for every kernel.* Received: 'none for forward/down2'"),
        ("outr2:free,inner:frozen", "of layers that the network has: down1, .*output. Received: 'outr2'"),
        ("output:frozen,inner:frozen", "free for forward/output, which no task borrows. Received: 'output'"),
    )
    def test_rules_that_do_not_fit_the_network_are_refused_before_anything_is_learned(self, text, rule):
        folder = self.create_tempdir().full_path
        with self.assertRaisesRegex(ValueError, rule):
            SequentialTrainer(Config(run_dir=folder, tasks=("maps",), image_size="8", width=4, method=Layered(text)))
        self.assertEmpty(tf.io.gfile.listdir(folder))

    def test_frozen_layers_store_nothing(self):
        found = plan(("one", "two"), PAPER, Layered("outer2:free,inner:frozen"), ("forward",))
        self.assertEqual(
            {cost.path for cost in found if cost.task == "two" and cost.kernels},
            {"forward/down1", "forward/down2", "forward/output"},
        )
        task = summary(found)["tasks"][1]
        self.assertEqual(task["kernels"], 16 * (3 * 64 + 64 * 128 + 128 * 3))


if __name__ == "__main__":
    tf.test.main()
