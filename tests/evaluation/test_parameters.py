"""What the plan says is what slices hold, and what the paper says."""

import collections
import json

import tensorflow as tf
from absl.testing import parameterized
from pgtf.bank import FilterBank, TaskSlice

from pgtf.evaluation.parameters import costly, plan, report, summary
from pgtf.layers import stored
from pgtf.methods import METHODS, Architecture, generator

KINDS = ("kernels", "biases", "norms")
NAMES = ("maps", "facades", "edges")
UNET, RESNET = Architecture("unet", 8, 8, filters=4), Architecture("resnet", 16, 16, filters=4, blocks=1)
BOTH = ("forward", "backward")
PAPER = Architecture("unet", 256, 256, filters=64)


def batch_norm(architecture):
    return Architecture(**{**vars(architecture), "norm": "batch"})


def learnt(architecture, method, prefixes, borrows_from=None, **settings):
    """A bank of what tasks really store."""
    bank = FilterBank()
    for index, name in enumerate(NAMES):
        values = {}
        for prefix in prefixes:
            network = generator(
                architecture, method, bank, prefix=prefix, borrows_from=borrows_from, start="random", **settings
            )
            values.update(stored(network))
        bank.append(index, TaskSlice(name, values))
    return bank


def unet_256(tasks, ratio=0.25):
    """[values of each task] of the paper's U-Net, counted with pencil and paper: (c_in, c_out) and norm of each layer."""
    down = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512), (512, 512), (512, 512), (512, 512)]
    up = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    totals = []
    for task in range(tasks):
        total = 4 * 4 * 128 * 3 + 3  # The output layer, each task's own.
        for c_in, c_out in down + up:
            free = c_out if task == 0 else int(ratio * c_out)
            bank = c_out + (task - 1) * int(ratio * c_out)
            total += 16 * c_in * free + bank * (c_out - free) + c_out
        total += 2 * sum(c_out for _, c_out in down[1:-1] + up)
        totals.append(total)
    return totals


@parameterized.named_parameters(
    ("unet", UNET, "piggyback", ("forward",), {}),
    ("unet_batch_norm", batch_norm(UNET), "piggyback", ("forward",), {}),
    ("resnet", RESNET, "piggyback", ("forward",), {}),
    ("resnet_batch_norm", batch_norm(RESNET), "piggyback", ("forward",), {}),
    ("resize", Architecture("unet", 8, 8, filters=4, upsampling="resize"), "piggyback", ("forward",), {}),
    ("shared_bank", UNET, "piggyback", BOTH, dict(borrows_from=BOTH)),
    ("two_banks", UNET, "piggyback", BOTH, {}),
    ("another_ratio", UNET, "piggyback", ("forward",), dict(unconstrained_ratio=0.6)),
    ("all_free", UNET, "piggyback", ("forward",), dict(unconstrained_ratio=1.0)),
    *((method, UNET, method, ("forward",), {}) for method in METHODS if method != "piggyback"),
)
class PlanTest(tf.test.TestCase, parameterized.TestCase):
    def test_is_what_slices_hold_layer_by_layer(self, architecture, method, prefixes, settings):
        bank = learnt(architecture, method, prefixes, **settings)
        planned = plan(NAMES, architecture, method, prefixes, **settings)
        for index, name in enumerate(NAMES):
            held = collections.Counter()
            for path, value in bank.slice(index).values.items():
                held[path.rsplit("/", 1)[0]] += value.size
            self.assertEqual({layer.path: layer.values for layer in planned if layer.task == name}, dict(held))
        self.assertEqual(
            [task["bytes"] for task in summary(planned)["tasks"]],
            [bank.slice(index).bytes for index in range(len(NAMES))],
        )


class PaperTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.planned = plan(("cityscapes", *NAMES), PAPER, "piggyback", ("forward",), unconstrained_ratio=0.25)
        cls.facts = summary(cls.planned)

    def test_values_of_each_task(self):
        values = [task["values"] for task in self.facts["tasks"]]
        self.assertEqual(values, unet_256(4))
        self.assertEqual(values[:2], [54_419_459, 15_519_491])
        # pix2pix's own count, and scale and shift of its instance norms, which have none there.
        self.assertEqual(values[0], 54_409_603 + 2 * 4_928)

    def test_pure_factorization(self):
        planned = summary(plan(("maps", "facades"), PAPER, "factorized", ("forward",), unconstrained_ratio=0.25))
        self.assertEqual([task["values"] for task in planned["tasks"]], unet_256(2, ratio=0.0))

    def test_the_layer_that_the_paper_counts(self):
        # design: 4 x 4, 64 -> 128 filters, λ = 1/4; and 128 biases.
        down2 = [layer.values - 128 for layer in self.planned if layer.path == "forward/down2"]
        self.assertEqual(down2, [131_072, 45_056, 48_128, 51_200])

    def test_totals_and_shares(self):
        facts, full = self.facts, 54_419_459
        self.assertEqual({task["full_values"] for task in facts["tasks"]}, {full})
        total = facts["total"]
        self.assertEqual((total["values"], total["full_values"]), (sum(unet_256(4)), 4 * full))
        for row in [*facts["tasks"], total]:
            self.assertEqual(row["bytes"], 4 * row["values"])
            self.assertAllClose(row["share"], row["values"] / row["full_values"])

    def test_only_the_first_layer_costs_more_than_it_saves(self):
        self.assertEqual(
            {(layer.path, layer.task) for layer in costly(self.planned)}, {("forward/down1", name) for name in NAMES}
        )
        warnings = [line for line in report(self.planned).splitlines() if line.startswith("warning")]
        self.assertLen(warnings, 3)
        # 48 weights a filter; 16 free, 48 mixed from a bank of 64; 64 biases.
        self.assertIn(f"forward/down1 costs maps {48 * 16 + 64 * 48 + 64:,} values", warnings[0])
        self.assertIn(f"full layer's {48 * 64 + 64:,}", warnings[0])

    def test_nothing_to_warn_of(self):
        self.assertNotIn("warning", report(plan(NAMES, PAPER, "quarter", ("forward",))))

    def test_the_json_is_plain(self):
        facts = json.loads(json.dumps(self.facts))
        self.assertCountEqual(facts, ["tasks", "total", "layers"])
        for row in [*facts["tasks"], facts["total"]]:
            self.assertCountEqual(row, [*KINDS, "name", "values", "bytes", "full_values", "share"])
        self.assertEqual([task["name"] for task in facts["tasks"]], ["cityscapes", *NAMES])
        self.assertCountEqual(facts["layers"][0], [*KINDS, "task", "path", "values", "full_values"])
        self.assertEqual(facts["total"]["values"], sum(facts["total"][kind] for kind in KINDS))
        self.assertEqual(sum(layer["values"] for layer in facts["layers"]), facts["total"]["values"])

    def test_narrow_networks_are_compared_with_the_full_one(self):
        for method, share in (("half", 1 / 4), ("quarter", 1 / 16)):
            facts = summary(plan(("maps",), PAPER, method, ("forward",)))
            self.assertEqual(facts["total"]["full_values"], 54_419_459)
            self.assertAllClose(facts["total"]["share"], share, rtol=0.01)

    def test_the_report_has_a_row_for_each_layer_and_task(self):
        text = report(self.planned)
        row = next(line for line in text.splitlines() if line.startswith("forward/down2 ")).split()
        self.assertEqual(row[1:], ["131,200", "131,200", "45,184", "48,256", "51,328"])
        self.assertIn("15,519,491", next(line for line in text.splitlines() if line.startswith("maps")))


if __name__ == "__main__":
    tf.test.main()
