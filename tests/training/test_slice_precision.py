"""Tasks that are stored in fewer bits: rounded before they are recorded and borrowed from."""

import json
import os

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from safetensors.numpy import load_file

from pgtf.assembly.accounting import plan, summary
from pgtf.config import Config, load_config, task_plans
from pgtf.foundation.errors import BankError
from pgtf.methods import Piggyback
from pgtf.networks import Architecture
from pgtf.runs.listing import rows
from pgtf.runs.plan import planned
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from pgtf.storage import task_slice
from pgtf.storage.task_slice import TaskSlice
from tests.tiny import tiny_run

KERNEL, MIXING = "forward/down1/unconstrained", "forward/up2/mixing"


class SlicePrecisionTest(tf.test.TestCase, parameterized.TestCase):
    def run_of(self, precision, method="piggyback"):
        folder = tiny_run(self.create_tempdir().full_path, precision=precision, method=method)
        return folder, os.path.join(folder, "tasks", "02-maps")

    @parameterized.product(precision=("float16", "int8", "int4"), method=("piggyback", "mask"))
    def test_replays_are_bit_equal_and_disk_holds_what_was_planned(self, precision, method):
        folder, _ = self.run_of(precision, method)
        self.assertTrue(all(verdict.replay.bit_equal for verdict in verdicts(folder)))
        tasks = summary(planned(task_plans(load_config(folder))))["tasks"]
        for task, row in zip(tasks, rows(folder)):
            path = os.path.join(folder, "tasks", f"0{tasks.index(task) + 1}-{task['name']}", "slice.safetensors")
            stored = sum(tensor.nbytes for tensor in load_file(path).values())
            self.assertBetween(stored, 0.85 * task["bytes"] if precision == "int4" else task["bytes"], task["bytes"])
            self.assertAlmostEqual(row["share"], task["share"] * stored / task["bytes"])

    def test_values_are_those_of_the_codes_on_disk(self):
        _, place = self.run_of("int8")
        values, tensors = TaskSlice.read(place).values, load_file(os.path.join(place, "slice.safetensors"))
        for path in (KERNEL, MIXING):
            self.assertEqual(tensors[path].dtype, np.int8)
            codes, scales = tensors[path].astype("float64"), tensors[f"{path}:scales"].astype("float64")
            self.assertAllClose(values[path], codes * scales, rtol=1e-6)
            self.assertAllEqual(np.abs(codes).max(axis=tuple(range(codes.ndim - 1))), [127] * codes.shape[-1])
        self.assertEqual(tensors["forward/down1/bias"].dtype, np.float32)
        self.assertLen(values, len([name for name in tensors if not name.endswith(":scales")]))

    def test_later_tasks_mix_what_is_stored(self):
        folder, place = self.run_of("int8")
        bank = Run(folder).bank
        self.assertAllEqual(np.asarray(bank.lent("forward/down1"))[..., 4:], TaskSlice.read(place).values[KERNEL])

    @parameterized.parameters(
        {"rounded": "int4"},
        {"rounded": "int5"},
        {"rounded": "float32"},
        {"rounded": 8},
        {"bits": 16},
        {"rounded": None},
    )
    def test_a_stranger_s_description_is_refused(self, **change):
        _, place = self.run_of("int8")
        path = os.path.join(place, "slice.json")
        with open(path) as file:
            description = json.load(file)
        description["tensors"][KERNEL].update(change)
        description["own_sha256"] = task_slice._digest(description)
        os.chmod(path, 0o644)
        with open(path, "w") as file:
            json.dump(description, file)
        with self.assertRaisesRegex(BankError, "description must have the fields of its format. Received"):
            TaskSlice.read(place)

    def test_the_paper_s_four_tasks(self):
        names, shape = ("a", "b", "c", "d"), Architecture("unet", (256, 256), width=64)
        for precision, share in (("float32", 0.470), ("float16", 0.235), ("int8", 0.118)):
            found = plan(names, shape, Piggyback(), ("forward",), dict.fromkeys(names, precision))
            self.assertAlmostEqual(summary(found)["total"]["share"], share, delta=0.0006)

    def test_a_task_of_its_own_precision_is_planned_so(self):
        config = Config(tasks=("a", "b"), image_size="8", width=4, override=("b:slice_precision=float16",))
        first, second = summary(planned(task_plans(config)))["tasks"]
        self.assertEqual(first["bits"], 32 * first["values"])
        self.assertEqual(second["bits"], 16 * second["kernels"] + 32 * (second["biases"] + second["norms"]))


if __name__ == "__main__":
    tf.test.main()
