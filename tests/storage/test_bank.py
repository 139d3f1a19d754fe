"""The bank is a view of its slices: in order, side by side, and what a crash leaves of them."""

import gc
import os
import pathlib
import subprocess
import sys
import textwrap
import weakref

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.foundation.errors import BankError
from pgtf.recipes import Full, Piggyback
from pgtf.storage.bank import FilterBank, slice_folders
from pgtf.storage.task_slice import Borrowed, TaskSlice
from tests.storage.made_slices import FACTS, NAMES, SliceTestCase, a_slice, numbered

ROOT = pathlib.Path(__file__).parent.parent.parent


def lending(name, **filters):
    """The slice of a task that lends these, {layer: filters}, each layer under forward/."""
    values = {f"forward/{layer}/unconstrained": value for layer, value in filters.items()}
    return TaskSlice(name, values, FACTS, frozenset(values))


class FilterBankTest(SliceTestCase):
    def test_filters_lie_side_by_side_in_the_order_of_the_tasks(self):
        lent = FilterBank.open(self.bank_on_disk(3)).lent("forward/down1")
        filters = np.asarray(lent)
        self.assertEqual(filters.shape, (2, 3, 4, 6))
        self.assertEqual(lent.shape, (2, 3, 4, 6))
        # Spelled out: filters 0-2 are task 1's, 3-4 task 2's, 5 task 3's.
        for position, (task, index) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]):
            own = numbered(2, 3, 4, 3 - task, start=1000 * task)
            np.testing.assert_array_equal(filters[..., position], own[..., index])
        self.assertEqual([part[:2] for part in lent.parts], [(name, "forward/down1") for name in NAMES[:3]])

    def test_filters_of_two_paths_lie_path_by_path(self):
        first = {
            "forward/a/unconstrained": numbered(1, 1, 2, 2),
            "backward/a/unconstrained": numbered(1, 1, 2, 1, start=50),
        }
        second = {"forward/a/unconstrained": numbered(1, 1, 2, 1, start=100)}
        slices = [TaskSlice("one", first, FACTS, frozenset(first)), TaskSlice("two", second, FACTS, frozenset(second))]
        bank = FilterBank(slices)
        there = np.asarray(bank.lent("forward/a", "backward/a"))[0, 0]
        back = np.asarray(bank.lent("backward/a", "forward/a"))[0, 0]
        np.testing.assert_array_equal(there, [[0, 1, 100, 50], [2, 3, 101, 51]])
        np.testing.assert_array_equal(back, [[50, 0, 1, 100], [51, 2, 3, 101]])

    def test_only_what_a_slice_lends_is_lent(self):
        values = {
            "forward/a/unconstrained": numbered(1, 1, 2, 2),
            "forward/a/mixing": numbered(1, 1, 2, 3),
            "forward/ab/unconstrained": numbered(1, 1, 2, 4),
        }
        bank = FilterBank([TaskSlice("one", values, FACTS, frozenset(values) - {"forward/a/mixing"})])
        self.assertAllEqual(bank.lent("forward/a"), values["forward/a/unconstrained"])
        self.assertEqual(bank.lent("forward/b").parts, ())

    def test_a_copy_of_the_filters_is_no_door_to_the_bank(self):
        bank = FilterBank.open(self.bank_on_disk(1))
        np.asarray(bank.lent("forward/down1"))[...] = 0
        self.assertAllEqual(bank.lent("forward/down1"), numbered(2, 3, 4, 3))

    def test_the_papers_accounting(self):
        bank, shape = FilterBank(), (4, 4, 64, 128)
        for index, name in enumerate(NAMES):
            recipe = Piggyback(bank.lent("forward/down1"), 0.25) if index else Full()
            specs = recipe.specs(shape)
            values = {f"forward/down1/{key}": np.zeros(spec.shape, "float32") for key, spec in specs.items()}
            lent = frozenset(f"forward/down1/{key}" for key, spec in specs.items() if spec.lent)
            bank.append(TaskSlice(name, values, FACTS, lent))
        self.assertEqual([bank.slice(index).size for index in range(4)], [131072, 45056, 48128, 51200])
        self.assertEqual(bank.lent("forward/down1").shape, (4, 4, 64, 128 + 3 * 32))
        self.assertEqual(np.asarray(bank.lent("forward/down1")).size, 229376)
        self.assertEqual(np.asarray(bank.only(NAMES[:1]).lent("forward/down1")).size, 131072)

    def test_only_is_the_bank_of_just_these_tasks(self):
        bank = FilterBank.open(self.bank_on_disk(3))
        for count, filters in enumerate((3, 5, 6), 1):
            past = bank.only(NAMES[:count])
            self.assertLen(past, count)
            self.assertEqual(past.names, list(NAMES[:count]))
            self.assertAllEqual(past.lent("forward/down1"), np.asarray(bank.lent("forward/down1"))[..., :filters])
        self.assertEmpty(bank.only(()))
        # In the order that is asked for: filters 0-2 are task 1's, 5 task 3's.
        chosen = bank.only((NAMES[2], NAMES[0]))
        self.assertAllEqual(chosen.lent("forward/down1"), np.asarray(bank.lent("forward/down1"))[..., [5, 0, 1, 2]])
        self.assertEqual(bank.names, list(NAMES[:3]))

    def test_opens_nothing_as_an_empty_bank(self):
        self.assertEmpty(FilterBank.open(os.path.join(self.create_tempdir().full_path, "none")))

    def test_append_keeps_no_values_in_memory_that_are_on_disk(self):
        bank, slices = FilterBank(folder=self.create_tempdir().full_path), [a_slice(0), a_slice(1)]
        values = [weakref.ref(one.values) for one in slices]
        for one in slices:
            bank.append(one)
        del one, slices
        gc.collect()
        self.assertEqual([value() for value in values], [None, None])
        self.assert_same_slice(bank["maps"], a_slice(1))

    def test_append_refuses_a_second_slice_of_a_task(self):
        folder = self.bank_on_disk(2)
        bank = FilterBank.open(folder)
        with self.assertRaisesRegex(BankError, "one slice for each task. Received: a second one of 'labels'"):
            bank.append(a_slice(0))
        self.assertLen(bank, 2)
        self.assert_holds(folder, 2)

    def test_append_does_not_write_over_a_slice_that_another_process_put_there(self):
        folder = self.bank_on_disk(1)
        bank = FilterBank.open(folder)
        FilterBank.open(folder).append(a_slice(1))
        with self.assertRaisesRegex(BankError, "A slice must not be overwritten. Received: .*02-maps"):
            bank.append(lending("maps", down1=numbered(2, 3, 4, 1)))
        self.assertLen(bank, 1)
        self.assert_holds(folder, 2)

    def test_more_than_99_tasks_stay_in_order(self):
        folder = self.create_tempdir().full_path
        for number in (100, *range(1, 100)):
            place = pathlib.Path(folder, f"{number:02d}-t{number}")
            place.mkdir()
            (place / "slice.json").touch()
        self.assertEqual(FilterBank.open(folder).names, [f"t{number}" for number in range(1, 101)])


class CopyingTest(tf.test.TestCase):
    def test_the_mixing_of_one_part_gives_its_filters(self):
        bank = FilterBank([lending("one", a=numbered(1, 2, 2, 3)), lending("two", a=numbered(1, 2, 2, 2, start=70))])
        lent = bank.lent("forward/a")
        for name, filters in (("one", numbered(1, 2, 2, 3)), ("two", numbered(1, 2, 2, 2, start=70))):
            mixing = lent.copying(name, "forward/a")
            self.assertAllEqual(np.asarray(lent) @ mixing, filters)
        with self.assertRaisesRegex(ValueError, "among the borrowed ones. Received: forward/b of 'one'"):
            lent.copying("one", "forward/b")


class OfTest(SliceTestCase):
    """The bank of what a slice borrows: by name and sha256, whatever else there is."""

    def setUp(self):
        super().setUp()
        self.bank = FilterBank.open(self.bank_on_disk(3))
        self.hashes = {name: self.bank.slice(index).sha256 for index, name in enumerate(NAMES[:3])}

    def test_what_is_noted_is_found(self):
        noted = self.bank.borrowed((NAMES[2], NAMES[0]))
        self.assertEqual(noted, (Borrowed(NAMES[2], self.hashes[NAMES[2]]), Borrowed(NAMES[0], self.hashes[NAMES[0]])))
        lent = self.bank.lenders_of(noted).lent("forward/down1")
        self.assertAllEqual(lent, np.asarray(self.bank.lent("forward/down1"))[..., [5, 0, 1, 2]])
        self.assertEmpty(self.bank.lenders_of(()))

    def test_a_slice_that_is_not_here(self):
        with self.assertRaisesRegex(BankError, r"borrows from is missing. Received: none of 'sketches' \(sha256 34cd"):
            self.bank.lenders_of((Borrowed("sketches", "34cd"),))

    def test_another_slice_of_the_same_task(self):
        other = "0" * 64
        rule = f"of sha256 {other[:12]}…. Received: another one, of sha256 {self.hashes['maps'][:12]}…"
        with self.assertRaisesRegex(BankError, f"slice of 'maps' must be the one that the task was learned on, {rule}"):
            self.bank.lenders_of((Borrowed("labels", self.hashes["labels"]), Borrowed("maps", other)))


class FoldersTest(SliceTestCase):
    def test_a_missing_description_of_the_last_task_is_a_task_not_learnt_yet(self):
        folder = self.bank_on_disk(2)
        os.unlink(os.path.join(folder, "02-maps", "slice.json"))
        self.assert_holds(folder, 1)

    def test_a_missing_slice_in_the_middle(self):
        folder = self.bank_on_disk(3)
        os.rename(os.path.join(folder, "02-maps"), os.path.join(self.create_tempdir().full_path, "away"))
        with self.assertRaisesRegex(BankError, f"without a gap. Received: {folder} without number 02"):
            FilterBank.open(folder)

    def test_a_number_twice(self):
        folder = self.bank_on_disk(2)
        a_slice(2).write(os.path.join(folder, "02-again"))
        with self.assertRaisesRegex(BankError, "same number. Received: 02-again and 02-maps"):
            FilterBank.open(folder)

    def test_a_folder_that_is_named_for_another_task(self):
        folder = self.bank_on_disk(2)
        os.rename(os.path.join(folder, "02-maps"), os.path.join(folder, "02-streets"))
        with self.assertRaisesRegex(BankError, "Received: 02-streets, which holds the slice of 'maps'"):
            FilterBank.open(folder).slice(1)

    def test_folders_of_other_kinds_are_no_slices(self):
        folder = self.bank_on_disk(2)
        for name in ("03-facades", "notes", "03"):  # The first: a task still being learnt.
            os.makedirs(os.path.join(folder, name, "train"))
        self.assertLen(slice_folders(folder), 2)
        self.assert_holds(folder, 2)


# The child needs no TensorFlow, so it is quick.
CHILD = """
import os, stat, sys
import numpy as np
from pgtf.methods import Piggyback
from pgtf.networks import Architecture
from pgtf.objectives import Pix2Pix
from pgtf.storage.bank import FilterBank
from pgtf.storage.facts import Facts
from pgtf.storage.task_slice import TaskSlice

def a_slice(filters, data="drawn"):
    values = {"forward/down1/unconstrained": np.ones(filters, "float32")}
    return TaskSlice("maps", values, Facts(Architecture(), Piggyback(), Pix2Pix(), data=data), frozenset(values))

folder = sys.argv[1]
"""


def in_a_child(code, *arguments):
    """Runs code in a Python of its own and returns how it ended."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD + textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


class CrashTest(SliceTestCase):
    """A child that dies while it appends leaves the old bank or the new one."""

    @parameterized.named_parameters(
        # Which call dies, at which of its times, before or after it has done its work; what the parent then finds.
        ("tensors_half_written", "fsync", 1, "before", 1),
        ("before_the_tensors_are_renamed_long", "replace", 1, "before", 1),
        ("after_the_tensors_are_renamed_long", "replace", 1, "after", 1),
        ("between_the_two_files", "fsync", 2, "after", 1),
        ("description_half_written_long", "fsync", 3, "before", 1),
        ("before_the_description_is_renamed_long", "replace", 2, "before", 1),
        ("after_the_description_is_renamed", "replace", 2, "after", 2),
        ("at_the_very_end_long", "fsync", 4, "before", 2),
    )
    def test_dying_child(self, call, time, moment, left):
        folder = self.bank_on_disk(1)
        child = in_a_child(
            """
            call, time, moment = sys.argv[2], int(sys.argv[3]), sys.argv[4]
            real, calls = getattr(os, call), []

            def dying(*arguments):
                calls.append(arguments)
                if len(calls) == time and moment == "before":
                    if call == "fsync" and stat.S_ISREG(os.fstat(arguments[0]).st_mode):
                        os.ftruncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
                    os._exit(9)
                real(*arguments)
                if len(calls) == time:
                    os._exit(9)

            setattr(os, call, dying)
            FilterBank.open(folder).append(a_slice((2, 3, 4, 2)))
            """,
            folder, call, time, moment,
        )  # fmt: skip
        self.assertEqual(child.returncode, 9, child.stderr)
        if left == 1:
            self.assert_holds(folder, 1)
        else:
            bank = FilterBank.open(folder)
            self.assertEqual(bank.names, ["labels", "maps"])
            self.assert_same_slice(bank.slice(0), a_slice(0))
            np.testing.assert_array_equal(bank.slice(1).values["forward/down1/unconstrained"], np.ones((2, 3, 4, 2)))

    @parameterized.named_parameters(("in_the_tensors", 50_000, 0), ("in_the_description", 2, 50_000))
    def test_no_room(self, filters, letters):
        folder = self.bank_on_disk(1)
        child = in_a_child(
            """
            import resource, signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
            bank = FilterBank.open(folder)
            try:
                bank.append(a_slice((1, 1, 1, int(sys.argv[2])), data="x" * int(sys.argv[3])))
            except OSError as error:
                print(error.errno, len(bank))
            """,
            folder, filters, letters,
        )  # fmt: skip
        self.assertEqual(child.stdout.split(), ["27", "1"], child.stderr)  # EFBIG, and one slice as before.
        self.assertEmpty(list(pathlib.Path(folder).rglob(".writing-*")))
        self.assertEmpty(list(pathlib.Path(folder).rglob("02-*/slice.json")))
        self.assert_holds(folder, 1)


if __name__ == "__main__":
    tf.test.main()
