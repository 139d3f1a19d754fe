"""Methods over the first task's kernels: where they begin, what they borrow, what they refuse."""

import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import plan, summary
from pgtf.assembly.bank import NetworkBank
from pgtf.config import Config, load_config
from pgtf.methods import METHODS, LayerWise, Lora, LowRank, Modulated, WidthWise
from pgtf.methods.backbone import Backbone
from pgtf.methods.sharing_strategies import first_layers
from pgtf.networks import Architecture
from pgtf.recipes import Full
from pgtf.runs.run import Run
from pgtf.training.sequence import SequentialTrainer
from tests.tiny import plan_of, tiny_run

PAPER = Architecture("unet", (256, 256), width=64)
# Defaults are for wider networks.
SETTINGS = {"width_wise": {"learn_ratio": 0.5}, "layer_wise": {"learn_ratio": 0.3}}
ROWS = [name for name, kind in METHODS.items() if issubclass(kind, Backbone) and kind.needs != "latents"]


@parameterized.parameters(*ROWS)
class BackboneTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_third_task_borrows_from_the_first_alone_and_begins_as_it_to_the_bit(self, method):
        folder = tiny_run(tempfile.mkdtemp(), method=METHODS[method](**SETTINGS.get(method, {})))
        run, image = Run(folder), np.random.default_rng(0).uniform(-1, 1, (1, 8, 16, 3)).astype("float32")
        network = build.initial_generators(plan_of(load_config(folder), 2), run.bank)["forward"]
        first, second = (run[name].networks["forward"](image) for name in run.names)
        self.assertAllEqual(network(image), first)
        self.assertNotAllClose(second, first)
        self.assertEqual([borrowed.task for borrowed in run.bank.slice(1).borrows], ["facades"])

    def test_the_first_task_is_free(self, method):
        networks = build.generators(Architecture(size=(8, 8), width=4), METHODS[method](), ("forward",))
        self.assertEqual({type(recipe) for recipe in layers.made_kernels(networks["forward"]).values()}, {Full})

    def test_a_first_task_of_another_width_is_refused(self, method):
        folder = tiny_run(tempfile.mkdtemp(), method=method)
        lenders = Run(folder).bank.only(["facades"])
        with self.assertRaisesRegex(ValueError, r"the kernel's shape, \(4, 4, 3, 8\). Received: a bank \(4, 4, 3, 4\)"):
            build.generators(Architecture(size=(8, 8), width=8), METHODS[method](), ("forward",), lenders)

    def test_a_later_task_without_the_first_is_refused(self, method):
        run = Run(tiny_run(tempfile.mkdtemp(), method=method))
        with self.assertRaisesRegex(ValueError, "borrows from is missing. Received: none of 'facades'"):
            NetworkBank([run.bank.slice(1)]).lenders_of(run.bank.slice(1).borrows)


class FreeOuterTest(tf.test.TestCase):
    def test_free_layers_start_as_the_first_task_and_are_learned(self):
        run = Run(tiny_run(tempfile.mkdtemp(), method=LowRank(2, free_outer=1)))
        first, second = (run.bank.slice(index) for index in range(2))
        path = "forward/down1/unconstrained"
        self.assertEqual(
            {name.rsplit("/", 1)[1] for name in second.values if name.startswith("forward/down1/")},
            {"unconstrained", "bias"},
        )
        self.assertNotAllClose(second.values[path], first.values[path])
        begun = build.initial_generators(plan_of(load_config(run.folder), 2), run.bank)["forward"]
        self.assertAllEqual(layers.state(begun)[path], first.values[path])


class SizesTest(tf.test.TestCase):
    """Checks sizes of the paper's U-Net by hand: (c_in, c_out) of its kernels, 4 × 4 each."""

    KERNELS = [(3, 64), (64, 128), (128, 256), (256, 512), *[(512, 512)] * 4]
    KERNELS += [(512, 512), *[(1024, 512)] * 3, (1024, 256), (512, 128), (256, 64)]
    OWN = 4 * 4 * 128 * 3 + 5_507 + 9_856  # The output layer, biases and norms.

    def values(self, method):
        return summary(plan(("one", "two", "three"), PAPER, method, ("forward",)))["tasks"]

    def test_modulated(self):
        expected = sum(2 * c_in * c_out for c_in, c_out in self.KERNELS) + self.OWN
        self.assertEqual([task["values"] for task in self.values(Modulated())[1:]], [expected] * 2)

    def test_low_rank(self):
        for rank in (1, 4, 48, 49):  # The first layer's matrix, [48, 64], has no higher rank than 48.
            ranks = {c_in: min(rank, 16 * c_in) for c_in, _ in self.KERNELS}
            expected = sum(2 * ranks[c_in] * (16 * c_in + c_out) for c_in, c_out in self.KERNELS) + self.OWN
            self.assertEqual([task["values"] for task in self.values(LowRank(rank))[1:]], [expected] * 2)

    def test_lora_has_half_the_factors(self):
        expected = sum(8 * (16 * c_in + c_out) for c_in, c_out in self.KERNELS) + self.OWN
        self.assertEqual([task["values"] for task in self.values(Lora(8))[1:]], [expected] * 2)

    def test_low_rank_inside_free_outer_layers(self):
        free = {(3, 64), (64, 128), (128, 256), (256, 512), (512, 128), (256, 64)}  # down1 to down4, up3 and up2.
        inner = [kernel for kernel in self.KERNELS if kernel not in free]
        expected = sum(16 * c_in * c_out for c_in, c_out in free)
        expected += sum(2 * 8 * (16 * c_in + c_out) for c_in, c_out in inner) + self.OWN
        self.assertEqual([task["values"] for task in self.values(LowRank(8, free_outer=4))[1:]], [expected] * 2)

    def test_width_wise(self):
        for ratio in (0.01, 0.1, 0.25, 1):
            free = sum(16 * int(ratio * c_in) * c_out for c_in, c_out in self.KERNELS)
            self.assertEqual([task["values"] for task in self.values(WidthWise(ratio))[1:]], [free + self.OWN] * 2)
            # λ of the kernels, within one input channel each.
            total, slack = (sum(16 * c * c_out for c, c_out in kernels) for kernels in (self.KERNELS, self.A_CHANNEL))
            self.assertBetween(free / total, ratio - slack / total, ratio)

    A_CHANNEL = [(1, c_out) for _, c_out in KERNELS]

    def test_layer_wise(self):
        # 3,072, 131,072, 524,288 and 2,097,152 values come first, then 4,194,304; all together they are 54,397,952.
        self.assertEqual(sum(16 * c_in * c_out for c_in, c_out in self.KERNELS), 54_397_952)
        four, five = 2_755_584, 6_949_888
        for ratio, free in ((0.1, four), (five / 54_397_952, five), (five / 54_397_952 - 1e-6, four), (1, 54_397_952)):
            self.assertEqual([task["values"] for task in self.values(LayerWise(ratio))[1:]], [free + self.OWN] * 2)


class FirstLayersTest(tf.test.TestCase):
    KERNELS = {"one": (1, 1, 1, 2), "two": (1, 1, 2, 3), "three": (1, 1, 3, 4)}  # 2, 6 and 12 values.

    def test_as_many_as_fit(self):
        for ratio, expected in ((0.1, 1), (0.39, 1), (0.4, 2), (0.99, 2), (1, 3)):
            self.assertEqual(first_layers(self.KERNELS, ratio), ["one", "two", "three"][:expected], ratio)

    def test_a_budget_that_not_one_fits_is_refused(self):
        rule = (
            r"--learn_ratio must be at least 0.1, the fraction of the values in the first layer \(one\). Received: 0.09"
        )
        with self.assertRaisesRegex(ValueError, rule):
            first_layers(self.KERNELS, 0.09)

    def test_what_is_free_is_the_same_planned_and_learnt_in_both_networks(self):
        run = Run(tiny_run(tempfile.mkdtemp(), objective="cyclegan", network="resnet", method=LayerWise(0.3)))
        stored = [path.split("/free")[0] for path in run.bank.slice(1).values if path.endswith("/free")]
        expected = ["stem", "down1", "down2"]
        self.assertEqual(stored, [f"{prefix}/{name}" for prefix in ("forward", "backward") for name in expected])


class DoorTest(tf.test.TestCase):
    def test_a_share_that_no_layer_fits_is_refused_before_anything_is_learnt_or_written(self):
        folder = self.create_tempdir().full_path
        with self.assertRaisesRegex(
            ValueError, r"at least 5.6e-05, the fraction of the values in the first layer \(forward/down1\)"
        ):
            SequentialTrainer(Config(run_dir=folder, tasks=("maps",), method=LayerWise(5e-5)))
        self.assertEmpty(tf.io.gfile.listdir(folder))


if __name__ == "__main__":
    tf.test.main()
