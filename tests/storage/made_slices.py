"""Slices for tests, made of counted numbers, and what it means that two are the same."""

import os

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.methods import Piggyback
from pgtf.networks import Architecture
from pgtf.objectives import Pix2Pix
from pgtf.storage.bank import FilterBank
from pgtf.storage.facts import Facts
from pgtf.storage.task_slice import Borrowed, TaskSlice

NAMES = ("labels", "maps", "facades", "shoes")
FACTS = Facts(Architecture(size=(256, 128)), Piggyback(0.5, share_bank=True), Pix2Pix(), steps=7, data="drawn")
LENT = frozenset({"forward/down1/unconstrained"})
BORROWS = (Borrowed("paintings", "12ab"), Borrowed("sketches", "34cd"))


def numbered(*shape, start=0, dtype="float32"):
    """Distinct values, so that a shuffled axis shows."""
    return (np.arange(np.prod(shape), dtype="int64") + start).reshape(shape).astype(dtype)


def a_slice(index):
    """The slice of task `index`, other than those of all others; it lends 3 - index filters."""
    values = {
        "forward/down1/unconstrained": numbered(2, 3, 4, 3 - index, start=1000 * index),
        "forward/down1/bias": numbered(5, start=7 * index),
        "forward/down1/mask": numbered(2, 9, start=index, dtype="uint8"),
    }
    return TaskSlice(NAMES[index], values, FACTS, LENT, BORROWS)


class SliceTestCase(tf.test.TestCase, parameterized.TestCase):
    def bank_on_disk(self, count=1):
        folder = self.create_tempdir().full_path
        bank = FilterBank(folder=folder)
        for index in range(count):
            bank.append(a_slice(index))
        return folder

    def changed(self, folder, name, change, task="01-labels"):
        """Replaces the bytes of a slice's file and returns its path."""
        path = os.path.join(folder, task, name)
        with open(path, "rb") as file:
            content = file.read()
        os.chmod(path, 0o644)
        with open(path, "wb") as file:
            file.write(change(content))
        return path

    def assert_same_slice(self, one, other):
        self.assertEqual(one.name, other.name)
        self.assertEqual(one.facts, other.facts)
        self.assertEqual(one.lent, other.lent)
        self.assertEqual(one.borrows, other.borrows)
        self.assertEqual(one.sha256, other.sha256)
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
        bank.append(a_slice(count))
        again = FilterBank.open(folder)
        self.assertLen(again, count + 1)
        self.assert_same_slice(again.slice(count), a_slice(count))
