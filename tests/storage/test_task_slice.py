"""A slice must not be overwritten, and what is stored is whole or refused."""

import dataclasses
import json
import os
import pathlib
import re

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.storage.bank import FilterBank
from pgtf.storage.task_slice import FORMAT, TaskSlice, _digest, renamed
from tests.storage.made_slices import FACTS, SliceTestCase, a_slice


class TaskSliceTest(SliceTestCase):
    def test_round_trip(self):
        folder = self.create_tempdir().full_path
        written = a_slice(1)
        written.write(folder)
        read = TaskSlice.read(folder)
        self.assert_same_slice(read, written)
        self.assertEqual(read.values["forward/down1/mask"].dtype, np.uint8)
        for task_slice in (written, read):
            self.assertEqual(task_slice.size, 2 * 3 * 4 * 2 + 5 + 18)
            self.assertEqual(task_slice.stored_bytes, 4 * (2 * 3 * 4 * 2 + 5) + 18)
            self.assertEqual(task_slice.shapes["forward/down1/unconstrained"], (2, 3, 4, 2))
            self.assertEqual(
                task_slice.sha256, files.sha256_of(os.path.join(folder, "slice.safetensors")), "as `borrows` names it"
            )

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
        TaskSlice("a", {"x": value, "y": np.ones(3, "float32")}, FACTS).write(folder)
        read = TaskSlice.read(folder).values["x"]
        self.assertEqual(read.shape, expected.shape)
        self.assertEqual(read.dtype, expected.dtype)
        np.testing.assert_array_equal(read, expected)

    def test_the_description_says_what_is_stored_and_lent_and_borrowed(self):
        folder = self.bank_on_disk()
        with open(os.path.join(folder, "01-labels", "slice.json")) as file:
            description = json.load(file)
        self.assertEqual(
            description["tensors"],
            {
                "forward/down1/unconstrained": {"shape": [2, 3, 4, 3], "bits": 32, "lent": True},
                "forward/down1/bias": {"shape": [5], "bits": 32, "lent": False},
                "forward/down1/mask": {"shape": [2, 9], "bits": 8, "lent": False},
            },
        )
        self.assertEqual(
            description["borrows"],
            [{"task": "paintings", "sha256": "12ab"}, {"task": "sketches", "sha256": "34cd"}],
        )
        facts = description["facts"]
        self.assertEqual(
            facts["method"],
            {
                "name": "piggyback",
                "unconstrained_ratio": 0.5,
                "start": "first_task",
                "share_bank": True,
                "borrow_from": "all",
                "auto_free": False,
                "equal_steps": False,
                "free_outer": 0,
                "free_up_to": 0,
            },
        )
        self.assertEqual((facts["architecture"]["size"], facts["steps"], facts["data"]), ([256, 128], 7, "drawn"))

    def test_arrays_and_files_are_read_only(self):
        folder = self.bank_on_disk()
        bank = FilterBank.open(folder)
        for array in (*a_slice(0).values.values(), *bank.slice(0).values.values()):
            with self.assertRaisesRegex(ValueError, "read-only"):
                array[...] = 0
        for name in ("slice.safetensors", "slice.json"):
            self.assertEqual(os.stat(os.path.join(folder, "01-labels", name)).st_mode & 0o777, 0o444)

    def test_is_written_once(self):
        folder = self.create_tempdir().full_path
        a_slice(0).write(folder)
        with self.assertRaisesRegex(BankError, f"must not be overwritten. Received: {folder}"):
            a_slice(1).write(folder)
        self.assert_same_slice(TaskSlice.read(folder), a_slice(0))

    @parameterized.parameters("", "a/b", "../a", "a\0b", "a\nb")
    def test_a_name_that_is_no_folder_is_refused(self, name):
        with self.assertRaisesRegex(BankError, "valid for a folder.* Received: "):
            TaskSlice(name, {"x": np.ones(1, "float32")}, FACTS)

    def test_values_that_it_does_not_list_are_none_of_its_own(self):
        values = TaskSlice.read(os.path.join(self.bank_on_disk(), "01-labels")).values
        self.assertNotIn("forward/down2/bias", values)
        with self.assertRaises(KeyError):
            values["forward/down2/bias"]


class DamageTest(SliceTestCase):
    """Whatever happens to a file is an error that names it: of a description when it is read, of tensors when used."""

    def used(self, folder):
        """Returns {name: function that reads the first task's arrays}."""
        bank = FilterBank.open(folder)
        return {
            "check": bank.slice(0).check,
            "values": lambda: bank["labels"].values["forward/down1/bias"],
            "lent": lambda: bank.lent("forward/down1"),
        }

    def assert_refused(self, folder, rule):
        for name, use in self.used(folder).items():
            with self.assertRaisesRegex(BankError, rule, msg=name):
                use()

    @parameterized.parameters(0, 8, 40, -100, -1)
    def test_a_flipped_byte_in_the_tensors(self, position):
        def change(content):
            content = bytearray(content)
            content[position] ^= 4
            return bytes(content)

        folder = self.bank_on_disk(2)
        path = self.changed(folder, "slice.safetensors", change)
        self.assert_refused(folder, f"as it was written; its sha256 differs. Received: {path}")
        self.assert_same_slice(FilterBank.open(folder).slice(1), a_slice(1))

    def test_a_flipped_byte_anywhere_in_the_description(self):
        folder = self.bank_on_disk(1)
        path = os.path.join(folder, "01-labels", "slice.json")
        os.chmod(path, 0o644)
        with open(path, "r+b", buffering=0) as file:
            content = file.read()
            for position, byte in enumerate(content):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << position % 7]), position)
                with self.assertRaisesRegex(BankError, f"Received: .*{path}", msg=f"byte {position}"):
                    TaskSlice.read(os.path.dirname(path))
                os.pwrite(file.fileno(), bytes([byte]), position)
        self.assert_holds(folder, 1)

    @parameterized.parameters(0, 1, 30, -1)
    def test_truncated_tensors(self, left):
        folder = self.bank_on_disk(2)
        path = self.changed(folder, "slice.safetensors", lambda content: content[:left])
        self.assert_refused(folder, f"must be as it was written.*Received: {path}")

    @parameterized.parameters(0, 1, 30, -1)
    def test_a_truncated_description(self, left):
        folder = self.bank_on_disk(2)
        path = self.changed(folder, "slice.json", lambda content: content[:left])
        with self.assertRaisesRegex(BankError, f"must be the JSON that was written.*Received: {path}"):
            FilterBank.open(folder).slice(0)

    def lie(self, folder, change, tensors=lambda content: content):
        """Changes the description, and the tensors, so that the hashes agree."""
        path = self.changed(folder, "slice.safetensors", tensors)

        def described(content):
            description = json.loads(content)
            description["sha256"] = files.sha256_of(path)
            change(description)
            description["own_sha256"] = _digest(description)
            return json.dumps(description).encode()

        self.changed(folder, "slice.json", described)
        return path

    def test_tensors_that_are_no_safetensors(self):
        """The file was cut before it was hashed."""
        folder = self.bank_on_disk(1)
        path = self.lie(folder, lambda description: None, tensors=lambda content: content[:-4])
        self.assert_refused(folder, f"must be a safetensors file. Received: {path}")

    def test_tensors_that_are_listed_and_not_there(self):
        folder = self.bank_on_disk(1)
        tensor = {"shape": [5], "bits": 32, "lent": False}
        path = self.lie(folder, lambda description: description["tensors"].update({"forward/down2/bias": tensor}))
        with self.assertRaisesRegex(BankError, f"that it lists. Received: forward/down2/bias in {path}"):
            FilterBank.open(folder).slice(0).check()

    def test_a_missing_tensors_file(self):
        folder = self.bank_on_disk(2)
        path = os.path.join(folder, "01-labels", "slice.safetensors")
        os.unlink(path)
        self.assert_refused(folder, f"needs slice.safetensors. Received: none at {path}")

    def test_a_missing_description(self):
        folder = self.create_tempdir().full_path
        with self.assertRaisesRegex(BankError, f"needs slice.json. Received: none at {folder}/slice.json"):
            TaskSlice.read(folder)

    def test_a_slice_of_a_newer_format(self):
        folder = self.bank_on_disk(2)
        path = self.changed(
            folder,
            "slice.json",
            lambda content: re.sub(rb'"format": \d+', b'"format": %d' % (FORMAT + 1), content),
        )
        rule = f"reads slices up to format {FORMAT}; .*Received: format {FORMAT + 1} in {path}"
        with self.assertRaisesRegex(BankError, rule):
            FilterBank.open(folder).slice(0)

    def test_a_slice_that_was_read_is_written_with_the_same_bytes(self):
        """Another writer of safetensors may order and pad them in its own way."""
        there, here = self.bank_on_disk(), self.create_tempdir().full_path

        def padded(content):
            length = int.from_bytes(content[:8], "little")
            return (length + 8).to_bytes(8, "little") + content[8 : 8 + length] + b" " * 8 + content[8 + length :]

        path = self.changed(there, "slice.safetensors", padded)
        description = json.loads(pathlib.Path(there, "01-labels", "slice.json").read_bytes())
        description["sha256"] = files.sha256_of(path)
        description["own_sha256"] = _digest(description)
        self.changed(there, "slice.json", lambda _: json.dumps(description).encode())
        TaskSlice.read(os.path.join(there, "01-labels")).write(here)
        TaskSlice.read(here).check()
        self.assertEqual(files.sha256_of(os.path.join(here, "slice.safetensors")), description["sha256"])

    @parameterized.parameters(
        ("forward/down1/bias", np.nan),
        ("forward/down1/bias", np.inf),
        ("forward/down1/bias", -3e38),
        ("forward/down1/unconstrained", np.nan),
        ("forward/down1/unconstrained", 3e38),
        ("forward/down1/unconstrained", -1e5),
    )
    def test_values_that_are_not_finite_or_overflow_are_refused(self, path, value):
        folder, values = self.create_tempdir().full_path, dict(a_slice(1).values)
        values[path] = values[path].copy()
        values[path].flat[3] = value
        dataclasses.replace(a_slice(1), values=values).write(folder)
        with self.assertRaisesRegex(BankError, f"finite and at most .* Received: {path}, from"):
            TaskSlice.read(folder).check()

    def test_under_another_name(self):
        folder = self.create_tempdir().full_path
        a_slice(1).write(folder)
        path = os.path.join(folder, "slice.json")
        content = pathlib.Path(path).read_bytes()
        files.write(path, renamed(renamed(content, "roads"), "streets"), read_only=True)
        found = TaskSlice.read(folder)
        self.assertEqual((found.name, found.facts.learnt_as, found.sha256), ("streets", "maps", a_slice(1).sha256))
        for name in ("..", "a\nb"):
            with self.assertRaisesRegex(BankError, "valid for a folder"):
                renamed(content, name)


if __name__ == "__main__":
    tf.test.main()
