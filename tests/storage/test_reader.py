"""The reader without TensorFlow: its weights are those of the networks that pgtf builds."""

import os
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.methods import Layered, LowRank, Mask, Piggyback
from pgtf.runs.run import Run
from pgtf.storage.reader import read, weights
from tests.tiny import flip_a_bit, tiny_run

TO_THE_BIT = {
    "full": {"method": "full"},
    "frozen": {"method": "frozen", "precision": "int8"},
    "half_precision": {"method": "full", "precision": "float16"},
    "mask": {"method": "mask"},
    "ternary": {"method": Mask("ternary")},
    "modulated": {"method": "modulated", "norm": "batch"},
    "delta": {"method": "delta"},
    "width_wise": {"method": "width_wise"},
    "packnet": {"method": "packnet"},
    "cpg": {"method": "cpg"},
    "layered": {"method": Layered("outer2:free:int4,inner:frozen")},
}
UP_TO_ROUNDING = {
    "piggyback": {"method": "piggyback"},
    "equal_steps": {"method": Piggyback(equal_steps=True, borrow_from="first")},
    "factorized": {"method": "factorized"},
    "both_ways": {"method": Piggyback(share_bank=True), "network": "resnet", "objective": "cyclegan"},
    "low_rank": {"method": LowRank(2), "precision": "int8"},
    "lora": {"method": "lora"},
}


class ReaderTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*TO_THE_BIT, *UP_TO_ROUNDING)
    def test_weights_are_those_of_the_networks(self, kind):
        run = Run(tiny_run(os.path.join(tempfile.mkdtemp(), "run"), **{**TO_THE_BIT, **UP_TO_ROUNDING}[kind]))
        slices = {task.name: read(task.folder) for task in run}
        for task in run:
            lenders = [slices[name] for name in task.bank.names]
            found, expected = weights(slices[task.name], lenders), {}
            for network in task.networks.values():
                kernels = layers.made_kernels(network)
                expected.update({f"{path}/kernel": recipe.kernel().numpy() for path, recipe in kernels.items()})
                own = layers.variables(network).items()
                inner = {f"{path}/{name}" for path, recipe in kernels.items() for name in recipe.task_variables()}
                expected.update({path: np.asarray(value) for path, value in own if path not in inner})
            self.assertEqual(found.keys(), expected.keys())
            for path, value in expected.items():
                if kind in TO_THE_BIT:
                    np.testing.assert_array_equal(found[path], value, path)
                else:
                    np.testing.assert_allclose(found[path], value, atol=1e-6 * np.abs(value).max(), err_msg=path)

    def test_it_needs_no_tensorflow(self):
        folder = tiny_run(os.path.join(self.create_tempdir().full_path, "run"))
        code = (
            "import sys; from pgtf.storage.reader import read, weights\n"
            "base, task = (read(f'{sys.argv[1]}/tasks/{name}') for name in ('01-facades', '02-maps'))\n"
            "assert weights(task, [base])['forward/down1/kernel'].shape == (4, 4, 3, 4)\n"
            "print({'tensorflow', 'keras', 'safetensors'} & set(sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "set()\n")

    def test_a_changed_slice_and_other_lenders_are_refused(self):
        folder = tiny_run(os.path.join(self.create_tempdir().full_path, "run"))
        base, task = (read(os.path.join(folder, "tasks", name)) for name in ("01-facades", "02-maps"))
        with self.assertRaisesRegex(ValueError, "borrows from .*facades.* Received: \\[\\]"):
            weights(task, [])
        with self.assertRaisesRegex(ValueError, "borrows from"):
            weights(task, [base._replace(sha256="0")])
        flip_a_bit(os.path.join(folder, "tasks", "02-maps", "slice.safetensors"))
        with self.assertRaisesRegex(ValueError, "be as it was written. Received: .*02-maps"):
            read(os.path.join(folder, "tasks", "02-maps"))


if __name__ == "__main__":
    tf.test.main()
