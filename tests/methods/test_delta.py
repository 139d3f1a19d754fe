"""Delta: its phases, and what a damaged slice of one says."""

import dataclasses
import os
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import plan, summary
from pgtf.config import load_config
from pgtf.foundation.errors import BankError
from pgtf.methods import Delta, Layered
from pgtf.networks import Architecture
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from pgtf.storage.task_slice import TaskSlice
from pgtf.storage.values import StoredValues
from tests.tiny import plan_of, tiny_run

KERNEL = "forward/up2/difference"


class PhasesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("at_once_long", 0.0, [(0, True)]),
        ("late", 0.9, [(0, False), (90, True)]),
        ("never_long", 1.0, [(0, False)]),
        ("early_long", 0.25, [(0, False), (25, True)]),
    )
    def test_rounding_starts_where_told(self, round_from, expected):
        for method in (Delta(2, round_from), Layered(f"outer1:free,inner:delta(2,{round_from})")):
            folder = tiny_run(tempfile.mkdtemp(), method=method)
            networks = build.initial_generators(plan_of(load_config(folder), 2), Run(folder).bank)
            made = layers.made_kernels(networks["forward"])
            found, start = [], 0
            for phase in method.phases(100):
                phase.begin(networks)
                found.append((start, bool(made["forward/up2"].rounding.numpy())))
                start += phase.steps
            self.assertEqual((found, start), (expected, 100))

    def test_layers_of_several_phases_share_them(self):
        method = Layered("outer1:delta(2,0.5),down2:delta(4,0.75),inner:delta(1)")
        self.assertEqual([phase.steps for phase in method.phases(100)], [50, 25, 25])


class StoredTest(tf.test.TestCase, parameterized.TestCase):
    def test_bytes_of_the_paper_s_network(self):
        found = plan(("one", "two"), Architecture("unet", (256, 256), width=64), Delta(2.0), ("forward",))
        kernels, filters = 54_397_952, 64 + 128 + 256 + 5 * 512 + 4 * 512 + 256 + 128 + 64
        own = 4 * (16 * 128 * 3 + 5_507 + 9_856)  # Head, biases and norms.
        bytes_ = kernels // 4 + 2 * filters + 15 * (16 + 8) + own
        self.assertEqual(summary(found)["tasks"][1]["bytes"], bytes_)

    def test_replays_are_bit_equal_and_streams_are_listed(self):
        folder = tiny_run(tempfile.mkdtemp(), method=Delta(3.0))
        self.assertTrue(all(verdict.replay.bit_equal for verdict in verdicts(folder)))
        values = Run(folder).bank.slice(1).values
        self.assertEqual(values.rounded[KERNEL], "delta3")
        self.assertEqual(set(values.streams), {path for path in values if path.endswith("/difference")})
        codes = values[KERNEL] / np.abs(values[KERNEL]).max(axis=(0, 1, 2)) * 3.5
        self.assertAllClose(codes, np.floor(codes) + 0.5, atol=1e-5)

    def test_a_stream_that_is_damaged_or_of_another_array_is_told(self):
        bank = Run(tiny_run(tempfile.mkdtemp(), method=Delta(2.0))).bank
        one = bank.slice(1).values
        tensors = one.tensors()
        for change in (
            {KERNEL: tensors[KERNEL] ^ np.uint8(1)},
            {KERNEL: tensors["forward/down2/difference"]},
        ):
            held = dataclasses.replace(bank.slice(1), values=_With(one, {**tensors, **change}))
            with self.assertRaisesRegex(BankError, f"must be as they were written. Received: {KERNEL}"):
                held.check()

    def test_a_stranger_s_size_of_a_stream_is_refused(self):
        folder = tiny_run(tempfile.mkdtemp(), method=Delta(2.0))
        place = os.path.join(folder, "tasks", "02-maps")
        values = TaskSlice.read(place).values
        wrong = StoredValues(
            values.path, values.sha256, values.shapes, values.bits, values.rounded, {**values.streams, KERNEL: 7}
        )
        with self.assertRaisesRegex(BankError, f"holds the tensors that it lists. Received: {KERNEL}"):
            wrong[KERNEL]


class _With(StoredValues):
    """Values with other tensors."""

    def __init__(self, values, tensors):
        super().__init__("", "", values.shapes, values.bits, values.rounded, values.streams)
        self._tensors = tensors

    def _tensor(self, name):
        return self._tensors[name]


if __name__ == "__main__":
    tf.test.main()
