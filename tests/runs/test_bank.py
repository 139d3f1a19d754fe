"""Slices are written once, and what is stored is whole or refused."""

import json
import os
import pathlib
import subprocess
import sys
import textwrap

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import files
from pgtf.bank import BankError, FilterBank, TaskSlice, slice_folders
from pgtf.bank import _digest as own_digest
from pgtf.recipes import Full, Piggyback

ROOT = pathlib.Path(__file__).parent.parent
NAMES = ("labels", "maps", "facades", "shoes")


def numbered(*shape, start=0, dtype="float32"):
    """Distinct values, so that a shuffled axis shows."""
    return (np.arange(np.prod(shape), dtype="int64") + start).reshape(shape).astype(dtype)


def a_slice(index):
    values = {
        "forward/down1/unconstrained": numbered(2, 3, 4, 3 - index, start=1000 * index),
        "forward/down1/bias": numbered(5, start=7 * index),
        "forward/down1/mask": numbered(2, 9, start=index, dtype="uint8"),
    }
    return TaskSlice(NAMES[index], values, {"method": "piggyback", "ratio": 0.25, "size": [256, 128]})


def in_a_child(code, *arguments):
    """Runs code in a Python of its own and returns how it ended."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD + textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


# The child needs no TensorFlow, so it is quick.
CHILD = """
import os, stat, sys
import numpy as np
from pgtf.bank import FilterBank, TaskSlice
folder = sys.argv[1]
second = TaskSlice("maps", {"forward/down1/unconstrained": np.ones((2, 3, 4, 2), "float32")}, {"ratio": 0.5})
"""


class BankTestCase(tf.test.TestCase, parameterized.TestCase):
    def bank_on_disk(self, count=1):
        folder = self.create_tempdir().full_path
        bank = FilterBank(folder=folder)
        for index in range(count):
            bank.append(index, a_slice(index))
        return folder

    def assert_same_slice(self, one, other):
        self.assertEqual(one.name, other.name)
        self.assertEqual(one.facts, other.facts)
        self.assertEqual(one.values.keys(), other.values.keys())
        for path in one.values:
            self.assertEqual(one.values[path].dtype, other.values[path].dtype, path)
            self.assertEqual(one.values[path].shape, other.values[path].shape, path)
            np.testing.assert_array_equal(one.values[path], other.values[path], path)

    def assert_holds(self, folder, count):
        """The bank in a folder is the first `count` slices, and takes the next one."""
        bank = FilterBank.open(folder)
        self.assertLen(bank, count)
        for index in range(count):
            self.assert_same_slice(bank.slice(index), a_slice(index))
        bank.append(count, a_slice(count))
        again = FilterBank.open(folder)
        self.assertLen(again, count + 1)
        self.assert_same_slice(again.slice(count), a_slice(count))


class TaskSliceTest(BankTestCase):
    def test_round_trip(self):
        folder = self.create_tempdir().full_path
        written = a_slice(1)
        written.write(folder)
        read = TaskSlice.read(folder)
        self.assert_same_slice(read, written)
        self.assertEqual(read.values["forward/down1/mask"].dtype, np.uint8)
        self.assertEqual(read.size, 2 * 3 * 4 * 2 + 5 + 18)
        self.assertEqual(read.bytes, 4 * (2 * 3 * 4 * 2 + 5) + 18)

    @parameterized.named_parameters(
        ("scalar", np.array(2.5, "float32")),
        ("empty", np.zeros((2, 0), "float32")),
        ("not_contiguous", np.arange(24, dtype="float32").reshape(2, 3, 4).transpose(2, 0, 1)),
        ("every_other", np.arange(24, dtype="float32")[::2]),
        ("half", np.arange(6, dtype="float16").reshape(3, 2)),
        ("bools", np.array([[True, False, False]])),
        ("counts", np.array([1, -(2**40)], "int64")),
    )
    def test_round_trip_of_any_array(self, value):
        folder = self.create_tempdir().full_path
        expected = value.copy()
        TaskSlice("a", {"x": value, "y": np.ones(3, "float32")}).write(folder)
        read = TaskSlice.read(folder).values["x"]
        self.assertEqual(read.shape, expected.shape)
        self.assertEqual(read.dtype, expected.dtype)
        np.testing.assert_array_equal(read, expected)

    def test_the_description_says_shapes_bits_and_facts(self):
        folder = self.bank_on_disk()
        with open(os.path.join(folder, "01-labels", "slice.json")) as file:
            description = json.load(file)
        self.assertEqual(description["shapes"]["forward/down1/unconstrained"], [2, 3, 4, 3])
        self.assertEqual(description["bits"]["forward/down1/unconstrained"], 32)
        self.assertEqual(description["bits"]["forward/down1/mask"], 8)
        self.assertEqual(description["facts"], {"method": "piggyback", "ratio": 0.25, "size": [256, 128]})

    def test_arrays_and_files_are_read_only(self):
        folder = self.bank_on_disk()
        bank = FilterBank.open(folder)
        for array in (*a_slice(0).values.values(), *bank.slice(0).values.values(), bank["forward/down1"]):
            with self.assertRaisesRegex(ValueError, "read-only"):
                array[...] = 0
        for name in ("slice.safetensors", "slice.json"):
            self.assertEqual(os.stat(os.path.join(folder, "01-labels", name)).st_mode & 0o777, 0o444)

    def test_is_written_once(self):
        folder = self.create_tempdir().full_path
        a_slice(0).write(folder)
        with self.assertRaisesRegex(BankError, f"written once. Received: {folder}"):
            a_slice(1).write(folder)
        self.assert_same_slice(TaskSlice.read(folder), a_slice(0))


class FilterBankTest(BankTestCase):
    def test_filters_lie_side_by_side_in_the_order_of_the_tasks(self):
        bank = FilterBank.open(self.bank_on_disk(3))
        filters = bank["forward/down1"]
        self.assertEqual(filters.shape, (2, 3, 4, 6))
        # Spelled out: filters 0-2 are task 1's, 3-4 task 2's, 5 task 3's.
        for position, (task, index) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]):
            own = numbered(2, 3, 4, 3 - task, start=1000 * task)
            np.testing.assert_array_equal(filters[..., position], own[..., index])

    def test_filters_of_two_paths_lie_path_by_path(self):
        first = {
            "forward/a/unconstrained": numbered(1, 1, 2, 2),
            "backward/a/unconstrained": numbered(1, 1, 2, 1, start=50),
        }
        second = {"forward/a/unconstrained": numbered(1, 1, 2, 1, start=100)}
        bank = FilterBank([TaskSlice("one", first), TaskSlice("two", second)])
        np.testing.assert_array_equal(bank.filters("forward/a", "backward/a")[0, 0], [[0, 1, 100, 50], [2, 3, 101, 51]])
        np.testing.assert_array_equal(bank.filters("backward/a", "forward/a")[0, 0], [[50, 0, 1, 100], [51, 2, 3, 101]])

    def test_the_papers_accounting(self):
        bank, shape = FilterBank(), (4, 4, 64, 128)
        for index, name in enumerate(NAMES):
            recipe = Piggyback(bank["forward/down1"], 0.25) if index else Full()
            shapes = recipe.shapes(shape)
            values = {f"forward/down1/{key}": np.zeros(shape, "float32") for key, shape in shapes.items()}
            bank.append(index, TaskSlice(name, values))
        self.assertEqual([bank.slice(index).size for index in range(4)], [131072, 45056, 48128, 51200])
        self.assertEqual(bank["forward/down1"].size, 229376)
        self.assertEqual(bank["forward/down1"].size, 4 * 4 * 64 * (128 + 3 * 32))
        self.assertEqual(bank.upto(1)["forward/down1"].size, 131072)

    def test_upto_is_the_bank_as_it_was(self):
        bank = FilterBank.open(self.bank_on_disk(3))
        for count, filters in enumerate((3, 5, 6), 1):
            past = bank.upto(count)
            self.assertLen(past, count)
            self.assertEqual(past.names, list(NAMES[:count]))
            np.testing.assert_array_equal(past["forward/down1"], bank["forward/down1"][..., :filters])
        self.assertEmpty(bank.upto(0))

    def test_contains_what_is_learnt(self):
        bank = FilterBank.open(self.bank_on_disk(2))
        self.assertEqual([index in bank for index in (-1, 0, 1, 2)], [False, True, True, False])

    def test_opens_nothing_as_an_empty_bank(self):
        self.assertEmpty(FilterBank.open(os.path.join(self.create_tempdir().full_path, "none")))

    def test_a_layer_that_none_stored_is_refused(self):
        with self.assertRaisesRegex(KeyError, "No task so far stored filters.*Received: forward/up9"):
            FilterBank([a_slice(0)])["forward/up9"]

    @parameterized.parameters(
        (0, 2, "a repeat"), (1, 2, "a repeat"), (3, 2, "a gap"), (1, 0, "a gap"), (-1, 0, "a repeat")
    )
    def test_append_refuses_gaps_and_repeats(self, index, count, what):
        folder = self.bank_on_disk(count)
        bank = FilterBank.open(folder)
        with self.assertRaisesRegex(BankError, f"must be of task {count}. Received: task {index}, {what}"):
            bank.append(index, a_slice(3))
        self.assertLen(bank, count)
        self.assert_holds(folder, count)

    def test_append_refuses_a_second_slice_of_a_task(self):
        folder = self.bank_on_disk(2)
        bank = FilterBank.open(folder)
        with self.assertRaisesRegex(BankError, "one slice. Received: a second one of 'labels'"):
            bank.append(2, a_slice(0))
        self.assertLen(bank, 2)
        self.assert_holds(folder, 2)

    @parameterized.parameters("", "a/b", "../a", "a\0b", "a\nb")
    def test_a_name_that_is_no_folder_is_refused(self, name):
        folder = self.bank_on_disk(1)
        with self.assertRaisesRegex(BankError, "name must do as part of a folder's. Received: "):
            FilterBank.open(folder).append(1, TaskSlice(name, {"x": np.ones(1, "float32")}))
        self.assert_holds(folder, 1)

    def test_more_than_99_tasks_stay_in_order(self):
        folder = self.create_tempdir().full_path
        for number in (100, *range(1, 100)):
            TaskSlice(f"t{number}", {}).write(os.path.join(folder, f"{number:02d}-t{number}"))
        self.assertEqual(FilterBank.open(folder).names, [f"t{number}" for number in range(1, 101)])


class DamageTest(BankTestCase):
    """Whatever happens to a file is an error that names it."""

    def damaged(self, name, change):
        folder = self.bank_on_disk(2)
        path = os.path.join(folder, "01-labels", name)
        with open(path, "rb") as file:
            content = file.read()
        os.chmod(path, 0o644)
        with open(path, "wb") as file:
            file.write(change(content))
        return folder, path

    def test_a_flipped_byte_in_the_tensors(self):
        for position in (0, 8, 40, -100, -1):

            def change(content):
                content = bytearray(content)
                content[position] ^= 4
                return bytes(content)

            folder, path = self.damaged("slice.safetensors", change)
            with self.assertRaisesRegex(BankError, f"as it was written; its sha256 differs. Received: {path}"):
                FilterBank.open(folder)

    def test_a_flipped_byte_anywhere_in_the_description(self):
        folder = self.bank_on_disk(1)
        path = os.path.join(folder, "01-labels", "slice.json")
        os.chmod(path, 0o644)
        with open(path, "rb") as file:
            content = file.read()
        for position in range(len(content)):
            changed = bytearray(content)
            changed[position] ^= 1 << position % 7
            with open(path, "wb") as file:
                file.write(changed)
            with self.assertRaisesRegex(BankError, f"Received: .*{path}", msg=f"byte {position}"):
                FilterBank.open(folder)

    @parameterized.product(name=["slice.safetensors", "slice.json"], left=[0, 1, 30, -1])
    def test_a_truncated_file(self, name, left):
        folder, path = self.damaged(name, lambda content: content[:left])
        with self.assertRaisesRegex(BankError, f"must be (as it|the JSON that) was written.*Received: {path}"):
            FilterBank.open(folder)

    def test_tensors_that_are_no_safetensors(self):
        folder = self.bank_on_disk(1)
        path = os.path.join(folder, "01-labels", "slice.safetensors")
        with open(path, "rb") as file:
            tensors = file.read()
        # Hashes that agree, on a file that was cut before it was hashed.
        description_path = os.path.join(folder, "01-labels", "slice.json")
        with open(description_path) as file:
            description = json.load(file)
        description["sha256"] = files.sha256(tensors[:-4])
        description["own_sha256"] = own_digest(description)
        files.write(path, tensors[:-4])
        files.write(description_path, json.dumps(description).encode())
        with self.assertRaisesRegex(BankError, f"must be a safetensors file. Received: {path}"):
            FilterBank.open(folder)

    def test_a_missing_tensors_file(self):
        folder = self.bank_on_disk(2)
        path = os.path.join(folder, "02-maps", "slice.safetensors")
        os.unlink(path)
        with self.assertRaisesRegex(BankError, f"needs slice.safetensors. Received: none at {path}"):
            FilterBank.open(folder)

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
        with self.assertRaisesRegex(BankError, "one slice. Received: 02-again and 02-maps"):
            FilterBank.open(folder)

    def test_folders_of_other_kinds_are_no_slices(self):
        folder = self.bank_on_disk(2)
        for name in ("03-facades", "notes", "03"):  # The first: a task still being learnt.
            os.makedirs(os.path.join(folder, name, "train"))
        self.assertLen(slice_folders(folder), 2)
        self.assert_holds(folder, 2)

    def test_a_slice_of_a_newer_format(self):
        def change(content):
            return content.replace(b'"format": 1', b'"format": 2')

        folder, path = self.damaged("slice.json", change)
        with self.assertRaisesRegex(BankError, f"reads slices up to format 1; .*Received: format 2 in {path}"):
            FilterBank.open(folder)


class CrashTest(BankTestCase):
    """A child that dies while it appends leaves the old bank or the new one."""

    @parameterized.named_parameters(
        # Which call dies, at which of its times, before or after it has done its work; what the parent then finds.
        ("tensors_half_written", "fsync", 1, "before", 1),
        ("before_the_tensors_are_renamed", "replace", 1, "before", 1),
        ("after_the_tensors_are_renamed", "replace", 1, "after", 1),
        ("between_the_two_files", "fsync", 2, "after", 1),
        ("description_half_written", "fsync", 3, "before", 1),
        ("before_the_description_is_renamed", "replace", 2, "before", 1),
        ("after_the_description_is_renamed", "replace", 2, "after", 2),
        ("at_the_very_end", "fsync", 4, "before", 2),
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
            FilterBank.open(folder).append(1, second)
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
            values = {"forward/down1/unconstrained": np.ones((1, 1, 1, int(sys.argv[2])), "float32")}
            try:
                bank.append(1, TaskSlice("maps", values, {"note": "x" * int(sys.argv[3])}))
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
