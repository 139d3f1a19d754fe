"""Arrays of yes and no in a slice: a bit each, on disk and in what is said of it."""

import dataclasses
import json
import os

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

from pgtf.foundation.errors import BankError
from pgtf.storage.task_slice import TaskSlice
from tests.methods.test_conformance import payload
from tests.storage.made_slices import SliceTestCase, a_slice

USED = np.random.default_rng(0).uniform(size=(3, 1, 5, 7)) < 0.4  # 105 bits: the last byte is not full.


class BitsTest(SliceTestCase):
    def setUp(self):
        super().setUp()
        self.slice = dataclasses.replace(a_slice(0), values={"forward/down1/used": USED.copy()}, lent=frozenset())
        self.folder = self.create_tempdir().full_path
        self.slice.write(self.folder)

    def test_they_take_a_bit_each_and_come_back(self):
        read = TaskSlice.read(self.folder)
        self.assertAllEqual(read.values["forward/down1/used"], USED)
        self.assertEqual(read.values["forward/down1/used"].dtype, bool)
        self.assertEqual(read.sha256, self.slice.sha256)
        for one in (read, self.slice):
            self.assertEqual((one.size, one.stored_bytes), (105, 14))
            self.assertEqual(one.shapes["forward/down1/used"], (3, 1, 5, 7))
        path = os.path.join(self.folder, "slice.safetensors")
        self.assertEqual(payload(path), 14)
        # The first byte, by hand: the first eight, the first of them highest.
        first = load_file(path)["forward/down1/used"][0]
        self.assertEqual(first, sum(2 ** (7 - n) for n in range(8) if USED.ravel()[n]))

    def test_as_many_as_the_description_says_or_refused(self):
        path = os.path.join(self.folder, "slice.json")
        with open(path) as file:
            description = json.load(file)
        self.assertEqual(description["tensors"]["forward/down1/used"]["bits"], 1)
        short = {"forward/down1/used": (2, 1, 5, 7)}
        read = TaskSlice.read(self.folder)
        read.values.shapes = short
        with self.assertRaisesRegex(BankError, r"holds the tensors that it lists. Received: .*uint8 \[14\]"):
            read.values["forward/down1/used"]


if __name__ == "__main__":
    tf.test.main()
