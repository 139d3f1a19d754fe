"""A slice names what it borrows; its kernels come from that alone, and only that is read."""

import dataclasses
import hashlib
import json
import os
import shutil
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank
from pgtf.foundation.errors import BankError
from pgtf.methods import METHODS, Piggyback
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from pgtf.storage.task_slice import TaskSlice
from tests.tiny import rewrite, tiny_run

TASKS = ("facades", "maps", "streets", "shoes")
IMAGE = np.random.default_rng(5).integers(0, 256, [16, 24, 3], dtype="uint8")


@dataclasses.dataclass(frozen=True)
class EveryOther(Piggyback):
    """Piggyback that borrows from the first, third, fifth … task."""

    def borrows(self, learnt):
        return learnt[::2]


def hash_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class BorrowsTestCase(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.dict(METHODS, every_other=EveryOther))

    def enterContext(self, manager):
        result = manager.__enter__()  # unittest has this from Python 3.11 on.
        self.addCleanup(manager.__exit__, None, None, None)
        return result

    def run_of(self, tasks=4, **settings):
        folder = tiny_run(self.create_tempdir().full_path, TASKS[:tasks], **settings)
        return folder, lambda number, *names: os.path.join(folder, "tasks", f"0{number}-{TASKS[number - 1]}", *names)

    def holds(self, folder):
        return [verdict.holds for verdict in verdicts(folder)]


class NamingTest(BorrowsTestCase):
    @parameterized.named_parameters(
        ("all_before", Piggyback(), [[], [1], [1, 2], [1, 2, 3]]),
        ("every_other", EveryOther(), [[], [1], [1], [1, 3]]),
        ("none", METHODS["full"](), [[], [], [], []]),
    )
    def test_a_slice_names_task_and_sha256_of_each_slice_that_it_mixes(self, method, lenders):
        _, at = self.run_of(method=method)
        for number, numbers in enumerate(lenders, 1):
            with open(at(number, "slice.json")) as file:
                borrows = json.load(file)["borrows"]
            expected = [{"task": TASKS[n - 1], "sha256": hash_of(at(n, "slice.safetensors"))} for n in numbers]
            self.assertEqual(borrows, expected)


class AnotherBankTest(BorrowsTestCase):
    """A slice put under another bank is told as such before anything is replayed."""

    def assert_told(self, folder, number, problem):
        verdict = list(verdicts(folder))[number - 1]
        self.assertFalse(verdict.holds)
        self.assertTrue(verdict.slice_is_whole)
        self.assertIsNone(verdict.replay)
        self.assertRegex(verdict.problem, problem)
        with self.assertRaisesRegex(BankError, problem):
            Run(folder)[TASKS[number - 1]](IMAGE)

    def test_another_slice_of_the_same_name(self):
        _, at = self.run_of(2)
        folder, there = self.run_of(2, norm="batch")
        shutil.rmtree(there(2))
        shutil.copytree(at(2), there(2))
        learnt_on, found = hash_of(at(1, "slice.safetensors")), hash_of(there(1, "slice.safetensors"))
        os.unlink(there(2, "probes.safetensors"))  # They would not be asked.
        self.assertEqual(self.holds(folder), [True, False])
        self.assert_told(
            folder,
            2,
            "The slice of 'facades' must be the one that the task was learned on, of sha256 "
            f"{learnt_on[:12]}…. Received: another one, of sha256 {found[:12]}…",
        )

    def test_one_filter_of_the_lender_is_another(self):
        """As before, with networks that fit, so that only the hash can tell."""
        folder, at = self.run_of(2)
        kernel = TaskSlice.read(at(1)).values["forward/down1/unconstrained"].copy()
        kernel[0, 1, 2, 3] += 1e-7
        rewrite(at(1), {"forward/down1/unconstrained": kernel})
        self.assert_told(folder, 2, "The slice of 'facades' must be the one that the task was learned on")

    def test_no_slice_of_that_name(self):
        _, at = self.run_of(2)
        folder = tiny_run(self.create_tempdir().full_path, ("streets",))
        place = os.path.join(folder, "tasks", "02-maps")
        shutil.copytree(at(2), place)
        self.assertEqual(self.holds(folder), [True, False])
        self.assert_told(folder, 2, r"borrows from is missing. Received: none of 'facades' \(sha256 ")


class ReadingTest(BorrowsTestCase):
    def test_tasks_that_are_not_borrowed_from_are_not_read(self):
        folder, at = self.run_of(method=EveryOther())
        before = {name: Run(folder)[name](IMAGE) for name in TASKS}
        os.unlink(at(2, "slice.safetensors"))
        run = Run(folder)
        for number in (1, 3, 4):
            name = TASKS[number - 1]
            self.assertAllEqual(run[name](IMAGE), before[name])
            self.assertTrue(run[name].replay().bit_equal)
        with self.assertRaisesRegex(BankError, "needs slice.safetensors. Received: none at .*02-maps"):
            run["maps"](IMAGE)
        self.assertEqual(self.holds(folder), [True, False, True, True])

    def test_a_new_task_is_built_without_them_too(self):
        folder, at = self.run_of(3, method=EveryOther())
        os.unlink(at(2, "slice.safetensors"))
        bank, method = NetworkBank.open(os.path.join(folder, "tasks")), EveryOther()
        shape = bank.slice(0).facts.architecture
        lenders = bank.only(method.borrows(bank.names))
        networks = build.generators(shape, method, ("forward",), lenders)
        method.initialize(networks, bank)
        # Each mixes the filters of the first and the third task, side by side, and starts as the first.
        first, third = bank["facades"].values, bank["streets"].values
        for name in ("down1", "down2", "up2"):
            recipe = layers.made_kernels(networks["forward"])[f"forward/{name}"]
            path = f"forward/{name}/unconstrained"
            self.assertAllEqual(recipe.bank, np.concatenate([first[path], third[path]], -1))
            self.assertAllEqual(recipe.kernel(), first[path])

    def test_of_later_tasks_not_even_the_description_is_read(self):
        folder, at = self.run_of(3)
        before = Run(folder)["maps"](IMAGE)
        for name in ("slice.json", "slice.safetensors", "probes.safetensors"):
            os.chmod(at(3, name), 0o644)
            with open(at(3, name), "w") as file:
                file.write("broken")
        task = Run(folder)["maps"]
        self.assertAllEqual(task(IMAGE), before)
        self.assertTrue(task.replay().bit_equal)
        with self.assertRaisesRegex(BankError, "must be the JSON that was written.*03-streets"):
            Run(folder)["streets"]

    def test_opening_a_run_reads_no_slice(self):
        folder, at = self.run_of(2)
        for number in (1, 2):
            for name in ("slice.json", "slice.safetensors"):
                os.chmod(at(number, name), 0o644)
                os.truncate(at(number, name), 0)
        self.assertEqual(Run(folder).names, ["facades", "maps"])


if __name__ == "__main__":
    tf.test.main()
