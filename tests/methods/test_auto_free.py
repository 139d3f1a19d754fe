"""A layer in which mixing stores no less than a free kernel is free by itself."""

import dataclasses

import tensorflow as tf

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import plan, summary
from pgtf.assembly.bank import NetworkBank, slice_of
from pgtf.assembly.plan_tables import costly
from pgtf.methods import Piggyback
from pgtf.networks import Architecture
from pgtf.objectives import Pix2Pix
from pgtf.storage.facts import Facts

PAPER = Architecture("unet", (256, 256), width=64)
AUTO = Piggyback(auto_free=True)


def planned(tasks, method):
    return plan([f"task{n}" for n in range(tasks)], PAPER, method, ("forward",))


class AutoFreeTest(tf.test.TestCase):
    def test_the_paper_s_second_task_frees_its_first_layer_and_no_other(self):
        plain, auto = ({cost.path: cost.kernels for cost in planned(2, method)[-31:]} for method in (Piggyback(), AUTO))
        self.assertEqual({path for path in plain if plain[path] != auto[path]}, {"forward/down1"})
        self.assertEqual(plain["forward/down1"], 48 * 16 + 64 * 48)
        self.assertEqual(auto["forward/down1"], 48 * 64)

    def test_of_a_hundred_tasks_no_layer_costs_more_than_a_full_one(self):
        self.assertNotEmpty(costly(planned(100, Piggyback())))
        automatic = planned(100, AUTO)
        self.assertEmpty(costly(automatic))
        self.assertLess(summary(automatic)["tasks"][99]["share"], 1)

    def test_as_many_filters_as_weights_are_free_and_one_less_are_not(self):
        free = {}
        for width in (47, 48):
            found = plan(("a", "b"), dataclasses.replace(PAPER, width=width), AUTO, ("forward",))
            (cost,) = (cost for cost in found if (cost.task, cost.path) == ("b", "forward/down1"))
            free[width] = cost.kernels == 48 * width
        self.assertEqual(free, {47: False, 48: True})

    def test_it_starts_as_the_first_task_and_lends_all_its_filters(self):
        shape = Architecture("unet", (4, 4), width=48)
        first = build.generators(shape, AUTO, ("forward",), seed=1)
        bank = NetworkBank([slice_of("a", first, NetworkBank(), Facts(shape, AUTO, Pix2Pix()))])
        networks = build.generators(shape, AUTO, ("forward",), bank, seed=2)
        AUTO.initialize(networks, bank)
        recipes = layers.made_kernels(networks["forward"])
        free, mixed = (type(recipes[f"forward/{name}"]).__name__ for name in ("down1", "down2"))
        self.assertEqual((free, mixed), ("Full", "Piggyback"))
        kernel = recipes["forward/down1"].kernel()
        self.assertAllEqual(kernel, layers.made_kernels(first["forward"])["forward/down1"].kernel())
        bank.append(slice_of("b", networks, bank, Facts(shape, AUTO, Pix2Pix())))
        self.assertAllEqual(bank.lent("forward/down1").shape, [4, 4, 3, 96])


if __name__ == "__main__":
    tf.test.main()
