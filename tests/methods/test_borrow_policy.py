"""Which earlier tasks a new one borrows from, where it starts then, and what a hundred tasks store."""

import dataclasses
import os

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import plan, summary
from pgtf.assembly.bank import NetworkBank
from pgtf.config import Config, resumed
from pgtf.methods import Factorized, Full, Piggyback
from pgtf.methods.borrow_policy import BorrowPolicy
from pgtf.networks import Architecture
from pgtf.runs.verify import verdicts
from tests.tiny import tiny_run

LEARNT = ["a", "b", "c", "d"]
TASKS = ("facades", "maps", "streets", "shoes")
PAPER = Architecture("unet", (256, 256), width=64)


class LendersTest(parameterized.TestCase):
    @parameterized.parameters(
        ("all", LEARNT),
        ("first", ["a"]),
        ("last:1", ["d"]),
        ("last:3", ["b", "c", "d"]),
        ("last:9", LEARNT),
        ("d,b", ["b", "d"]),
        ("c", ["c"]),
        ("closest:1", ["a"]),  # Before it is settled: those that cost most.
        ("closest:3", ["a", "c", "d"]),
        ("closest:4", LEARNT),
        ("e,c", ["c"]),
        ("e", ["a"]),
    )
    def test_among_four(self, text, expected):
        self.assertEqual(list(Piggyback(borrow_from=text).borrows(LEARNT)), expected)
        self.assertEqual(list(Piggyback(borrow_from=text).borrows([])), [])

    def test_closest_is_settled_by_the_images_and_nothing_else_is(self):
        nearest = ["c", "a", "d,e", "b"]
        for text, expected in (
            ("closest:1", ["c"]),
            ("closest:3", ["a", "c", "d,e"]),
            ("closest:9", ["a", "b", "c", "d,e"]),
        ):
            method = Piggyback(0.5, borrow_from=text).resolve_lenders(lambda: nearest)
            self.assertEqual(list(method.borrows(["a", "b", "c", "d,e"])), expected)
            self.assertEqual(method.unconstrained_ratio, 0.5)
        odd = Piggyback(borrow_from="closest:2").resolve_lenders(lambda: ["first", "last:2"])
        self.assertEqual(list(odd.borrows(["a", "last:2", "first"])), ["last:2", "first"])
        for method in (Piggyback(borrow_from="last:2"), Full()):
            self.assertIs(method.resolve_lenders(lambda: self.fail("Nobody asks.")), method)
        self.assertEqual(list(Piggyback(borrow_from="closest:2").resolve_lenders(list).borrows([])), [])

    def test_a_name_with_a_comma_is_quoted(self):
        self.assertEqual(BorrowPolicy.of('"a,b",c').names, ("a,b", "c"))

    @parameterized.parameters(
        "", ",", "a,,b", "last:", "last:0", "last:-1", "last:1.5", "last", "a,a", "nearest:2", "a\n", " a", "a\0b"
    )
    def test_what_says_nothing_is_refused(self, text):
        if text == "last":  # A name, as any other.
            self.assertEqual(BorrowPolicy.of(text).names, ("last",))
            return
        with self.assertRaisesRegex(
            ValueError, "--borrow_from must be all, first, last:N, closest:N or NAME,NAME. Received"
        ):
            Piggyback(borrow_from=text)

    def test_names_are_those_of_tasks_of_the_run(self):
        Config(tasks=("a", "b"), method=Piggyback(borrow_from="b,a"))
        with self.assertRaisesRegex(ValueError, "--borrow_from .*, of the tasks a, b. Received: 'maps'"):
            Config(tasks=("a", "b"), method=Factorized(borrow_from="a,maps"))

    def test_a_run_goes_on_with_other_lenders(self):
        config = Config(tasks=("a", "b"))
        asked = dataclasses.replace(config, method=Piggyback(borrow_from="first"))
        self.assertEqual(resumed(config, asked, ["a"]), asked)


class StartTest(tf.test.TestCase, parameterized.TestCase):
    """The third task mixes the second alone, and starts near the first."""

    def test_free_filters_are_copied_and_the_others_fitted(self):
        method = Piggyback(0.5, borrow_from="last:1")
        bank = NetworkBank.open(os.path.join(tiny_run(self.create_tempdir().full_path, method=method), "tasks"))
        shape, first, second = bank.slice(0).facts.architecture, bank["facades"].values, bank["maps"].values
        (network,) = networks = build.generators(shape, method, ("forward",), bank.only(["maps"])).values()
        method.initialize({"forward": network}, bank)
        self.assertLen(networks, 1)
        for path, recipe in layers.made_kernels(network).items():
            wanted = first[f"{path}/unconstrained"]
            if path == "forward/output":  # Task-specific.
                self.assertAllEqual(recipe.kernel(), wanted)
                continue
            lent = second[f"{path}/unconstrained"]
            self.assertAllEqual(recipe.bank, lent)
            u = wanted.shape[-1] // 2
            self.assertAllEqual(recipe.kernel()[..., :u], wanted[..., :u])
            # Least squares: what is left is at right angles to every filter of the bank.
            left = (recipe.kernel().numpy() - wanted)[..., u:]
            self.assertAllClose(np.einsum("hwib,hwip->bp", lent, left), np.zeros([u, u]), atol=1e-4)
            self.assertGreater(np.abs(left).max(), 1e-3)
        self.assertAllEqual(layers.state(network)["forward/down1/bias"], first["forward/down1/bias"])

    @parameterized.named_parameters(("last", "last:1"), ("first_long", "first"), ("name_long", "maps"))
    def test_tasks_hold_that_borrow_from_some(self, text):
        folder = tiny_run(self.create_tempdir().full_path, TASKS, method=Piggyback(borrow_from=text))
        self.assertTrue(all(verdict.holds for verdict in verdicts(folder)), text)


class HundredTest(parameterized.TestCase):
    @parameterized.parameters("first", "last:2")
    def test_the_last_of_a_hundred_stores_no_more_than_the_third(self, text):
        tasks = summary(plan([f"task{n}" for n in range(100)], PAPER, Piggyback(borrow_from=text), ("forward",)))[
            "tasks"
        ]
        self.assertLessEqual(tasks[99]["bits"], tasks[2]["bits"])
        self.assertLess(tasks[99]["share"], 0.3)

    def test_with_all_it_stores_more_than_a_full_network(self):
        tasks = summary(plan([f"task{n}" for n in range(100)], PAPER, Piggyback(), ("forward",)))["tasks"]
        # By hand, layer by layer: 99 tasks lend 64, 128, … and then 98 × a quarter of that.
        down = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512), (512, 512), (512, 512), (512, 512)]
        up = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
        kernels = sum(4 * c_in * c_out + (c_out + 98 * c_out // 4) * 3 * c_out // 4 for c_in, c_out in down + up)
        self.assertEqual(tasks[99]["kernels"], kernels + 16 * 128 * 3)
        self.assertGreater(tasks[99]["share"], 1)

    def test_plans_do_not_depend_on_tasks_that_were_counted_before(self):
        for method in (Full(), Piggyback(borrow_from="last:2")):
            alone = plan(("a", "b", "c", "d"), PAPER, method, ("forward",))
            self.assertEqual([cost for cost in alone if cost.task in "abc"], plan("abc", PAPER, method, ("forward",)))


if __name__ == "__main__":
    tf.test.main()
