"""Checks planned sizes against slices and against the paper."""

import collections
import dataclasses
import json

import tensorflow as tf
from absl.testing import parameterized

from pgtf.assembly import build
from pgtf.assembly.accounting import Cost, plan, summary
from pgtf.assembly.bank import NetworkBank, slice_of
from pgtf.assembly.parameters import full_values
from pgtf.assembly.plan_tables import costly, report, warning
from pgtf.methods import Factorized, Full, Half, Mask, Piggyback, Quarter
from pgtf.networks import Architecture
from pgtf.objectives import CycleGAN, Pix2Pix
from pgtf.storage.facts import Facts

KINDS = ("kernels", "biases", "norms")
NAMES = ("maps", "facades", "edges")
UNET, RESNET = Architecture("unet", (8, 8), width=4), Architecture("resnet", (16, 16), width=4, blocks=1)
ONE, BOTH = ("forward",), ("forward", "backward")
PAPER = Architecture("unet", (256, 256), width=64)


def batch_norm(architecture):
    return dataclasses.replace(architecture, norm="batch")


def learnt(architecture, method, prefixes):
    """A bank of what tasks really store."""
    bank = NetworkBank()
    facts = Facts(architecture, method, Pix2Pix() if prefixes == ONE else CycleGAN())
    for name in NAMES:
        lenders = bank.only(method.borrows(bank.names))
        networks = build.generators(architecture, method, prefixes, lenders)
        bank.append(slice_of(name, networks, lenders, facts))
    return bank


def unet_256(tasks, ratio=0.25, free_up_to=0):
    """[values of each task] of the paper's U-Net, counted with pencil and paper: (c_in, c_out) of each layer."""
    down = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512), (512, 512), (512, 512), (512, 512)]
    up = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    totals = []
    for task in range(tasks):
        total = 4 * 4 * 128 * 3 + 3  # The output layer, each task's own.
        for c_in, c_out in down + up:
            free = c_out if task == 0 or 16 * c_in * c_out <= free_up_to else int(ratio * c_out)
            bank = c_out + (task - 1) * int(ratio * c_out)
            total += 16 * c_in * free + bank * (c_out - free) + c_out
        total += 2 * sum(c_out for _, c_out in down[1:-1] + up)
        totals.append(total)
    return totals


@parameterized.named_parameters(
    ("unet", UNET, Piggyback(), ONE),
    ("unet_batch_norm_long", batch_norm(UNET), Piggyback(), ONE),
    ("resnet", RESNET, Piggyback(), ONE),
    ("resnet_batch_norm_long", batch_norm(RESNET), Piggyback(), ONE),
    ("resize", dataclasses.replace(UNET, upsampling="resize"), Piggyback(), ONE),
    ("shared_bank", UNET, Piggyback(share_bank=True), BOTH),
    ("two_banks_long", UNET, Piggyback(), BOTH),
    ("another_ratio_long", UNET, Piggyback(0.6), ONE),
    ("all_free_long", UNET, Piggyback(1.0), ONE),
    ("small_ones_free", UNET, Piggyback(free_up_to=512), ONE),
    ("outer_ones_free", UNET, Piggyback(free_outer=2), ONE),
    ("outer_ones_of_resnet_free_long", RESNET, Piggyback(free_outer=2), BOTH),
    ("full", UNET, Full(), ONE),
    ("half", UNET, Half(), ONE),
    ("quarter", UNET, Quarter(), ONE),
    ("factorized", UNET, Factorized(), ONE),
)
class PlanTest(tf.test.TestCase, parameterized.TestCase):
    def test_is_what_slices_hold_layer_by_layer(self, architecture, method, prefixes):
        bank = learnt(architecture, method, prefixes)
        planned = plan(NAMES, architecture, method, prefixes)
        for index, name in enumerate(NAMES):
            held = collections.Counter()
            for path, value in bank.slice(index).values.items():
                held[path.rsplit("/", 1)[0]] += value.size
            self.assertEqual({cost.path: cost.values for cost in planned if cost.task == name}, dict(held))
        self.assertEqual(
            [task["bytes"] for task in summary(planned)["tasks"]],
            [bank.slice(index).stored_bytes for index in range(len(NAMES))],
        )


class PaperTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.planned = plan(("cityscapes", *NAMES), PAPER, Piggyback(0.25), ONE)
        cls.facts = summary(cls.planned)

    def test_values_of_each_task(self):
        values = [task["values"] for task in self.facts["tasks"]]
        self.assertEqual(values, unet_256(4))
        self.assertEqual(values[:2], [54_419_459, 15_519_491])
        # pix2pix's own count, and scale and shift of its instance norms, which have none there.
        self.assertEqual(values[0], 54_409_603 + 2 * 4_928)

    def test_pure_factorization(self):
        planned = summary(plan(("maps", "facades"), PAPER, Factorized(), ONE))
        self.assertEqual([task["values"] for task in planned["tasks"]], unet_256(2, ratio=0.0))

    def test_outer_layers_that_are_free(self):
        method = Piggyback(0.125, free_outer=4)  # As flags/outer.cfg has it.
        planned = summary(plan(("maps", "facades", "edges", "more"), PAPER, method, ONE))
        values = [task["values"] for task in planned["tasks"]]
        self.assertEqual(values, unet_256(4, ratio=0.125, free_up_to=2_100_000))
        self.assertEqual(values[1], 12_271_619)

    def test_the_same_outer_layers_are_free_at_every_width_and_size(self):
        """The older flag needs another number at each width; too large a one frees all layers."""
        for width, size, up_to in ((64, 256, 2_100_000), (32, 256, 530_000), (32, 64, 530_000)):
            shape = Architecture("unet", (size, size), width=width)
            methods = Piggyback(0.125, free_outer=4), Piggyback(0.125, free_up_to=up_to)
            outer, old = (plan(NAMES, shape, method, ONE) for method in methods)
            self.assertEqual(outer, old)
            free = {cost.path for cost in outer if cost.task == "edges" and cost.values == cost.full_values}
            names = ("down1", "down2", "down3", "down4", "up3", "up2", "output")
            norms = {f"{name}_norm" for level in range(2, 9) for name in (f"down{level}", f"up{level}")}
            self.assertEqual({path.split("/")[1] for path in free} - norms, set(names))

    def test_levels_of_the_resnet(self):
        made = plan(NAMES[:2], RESNET, Piggyback(0.25, free_outer=2), ONE)
        second = [cost for cost in made if cost.task == "facades" and cost.kernels]
        free = {cost.path for cost in second if cost.values == cost.full_values}
        self.assertEqual(free, {f"forward/{name}" for name in ("stem", "down1", "down2", "up1", "output")})

    def test_the_layer_that_the_paper_counts(self):
        # design: 4 x 4, 64 -> 128 filters, λ = 1/4; and 128 biases.
        down2 = [cost.values - 128 for cost in self.planned if cost.path == "forward/down2"]
        self.assertEqual(down2, [131_072, 45_056, 48_128, 51_200])

    def test_totals_and_shares(self):
        facts, full = self.facts, 54_419_459
        self.assertEqual({task["full_values"] for task in facts["tasks"]}, {full})
        self.assertEqual((full_values(PAPER, ONE), full_values(PAPER, BOTH)), (full, 2 * full))
        total = facts["total"]
        self.assertEqual((total["values"], total["full_values"]), (sum(unet_256(4)), 4 * full))
        for row in [*facts["tasks"], total]:
            self.assertEqual(row["bytes"], 4 * row["values"])
            self.assertAllClose(row["share"], row["values"] / row["full_values"])

    def test_only_the_first_layer_costs_more_than_it_saves(self):
        self.assertEqual(
            {(cost.path, cost.task) for cost in costly(self.planned)}, {("forward/down1", name) for name in NAMES}
        )
        warnings = [line for line in report(self.planned).splitlines() if line.startswith("warning")]
        self.assertLen(warnings, 3)
        # 48 weights a filter; 16 free, 48 mixed from a bank of 64; 64 biases.
        self.assertIn(f"forward/down1 costs maps {48 * 16 + 64 * 48 + 64:,} values", warnings[0])
        self.assertIn(f"full layer's {48 * 64 + 64:,}", warnings[0])

    def test_nothing_to_warn_of(self):
        self.assertNotIn("warning", report(plan(NAMES, PAPER, Quarter(), ONE)))

    def test_later_tasks_that_store_no_less_than_a_full_network_are_named(self):
        small = dataclasses.replace(PAPER, width=32)
        for method, names in (
            (Piggyback(0.125, free_up_to=2_100_000), "2 of 2 later tasks .* 100% of it: facades, edges. Share more"),
            (Piggyback(1.0), "2 of 2 later tasks"),
            (Piggyback(0.125, free_outer=4), ""),
            (Mask(), ""),  # As many values, of a bit each.
            (Full(), ""),
        ):
            said = warning(NAMES, small, method, ONE)
            self.assertRegex(said, names or "^$")

    def test_the_json_is_plain(self):
        facts = json.loads(json.dumps(self.facts))
        self.assertCountEqual(facts, ["tasks", "total", "layers"])
        for row in [*facts["tasks"], facts["total"]]:
            self.assertCountEqual(row, [*KINDS, "name", "values", "bits", "bytes", "full_values", "share"])
        self.assertEqual([task["name"] for task in facts["tasks"]], ["cityscapes", *NAMES])
        self.assertCountEqual(
            facts["layers"][0], [*KINDS, "task", "path", "values", "bits", "full_values", "kept", "at_most"]
        )
        self.assertEqual(facts["total"]["values"], sum(facts["total"][kind] for kind in KINDS))
        self.assertEqual(sum(layer["values"] for layer in facts["layers"]), facts["total"]["values"])

    def test_narrow_networks_are_compared_with_the_full_one(self):
        for method, share in ((Half(), 1 / 4), (Quarter(), 1 / 16)):
            facts = summary(plan(("maps",), PAPER, method, ONE))
            self.assertEqual(facts["total"]["full_values"], 54_419_459)
            self.assertAllClose(facts["total"]["share"], share, rtol=0.01)

    def test_the_report_has_a_row_for_each_layer_and_task(self):
        text = report(self.planned)
        row = next(line for line in text.splitlines() if line.startswith("forward/down2 ")).split()
        self.assertEqual(row[1:], ["131,200", "131,200", "45,184", "48,256", "51,328"])
        self.assertIn("15,519,491", next(line for line in text.splitlines() if line.startswith("maps")))


class BitsTest(tf.test.TestCase):
    def test_a_share_is_of_bits_not_of_values(self):
        """A mask of 300 values in one bit each, beside 10 biases, for a layer of 300 weights and 10 biases."""
        cost = Cost("maps", "forward/a", kernels=300, biases=10, norms=0, bits=300 + 32 * 10, full_values=310)
        (task,) = summary([cost])["tasks"]
        self.assertEqual((task["values"], task["bits"], task["bytes"]), (310, 620, 77.5))
        self.assertEqual(task["share"], 1 / 16)
        self.assertEqual(costly([cost]), [])
        self.assertEqual(len(costly([dataclasses.replace(cost, bits=32 * 311)])), 1)


if __name__ == "__main__":
    tf.test.main()
