"""Networks whose values are swapped: they answer as networks that are built for one task alone."""

import os
import shutil
import tempfile
import threading

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly.composing import kernels
from pgtf.assembly.replay import outputs
from pgtf.assembly.swapping import SwappedNetworks
from pgtf.data.rgb_images import to_float
from pgtf.foundation.errors import BankError
from pgtf.methods import METHODS, Layered, LowRank, Piggyback
from pgtf.runs.run import Run
from tests.tiny import rewrite, tiny_run

NAMES = ("facades", "maps")
# Recipes whose kernels are composed at every size, so that answers are the recorded ones to the bit.
AS_RECORDED = ("full", "low_rank", "delta", "mask", "layered", "frozen", "packnet", "modulated")
KINDS = {
    "full": {"method": "full"},
    "piggyback": {"method": "piggyback"},
    "free_outer": {"method": Piggyback(0.25, free_outer=2)},
    "equal_steps": {"method": Piggyback(equal_steps=True, borrow_from="first")},
    "factorized": {"method": "factorized"},
    "low_rank": {"method": LowRank(2), "precision": "int8"},
    "frozen": {"method": "frozen"},
    "lora": {"method": "lora"},
    "mask": {"method": "mask"},
    "modulated": {"method": "modulated", "norm": "batch"},
    "delta": {"method": "delta"},
    "packnet": {"method": "packnet"},
    "pae": {"method": "pae"},
    "cpg": {"method": "cpg"},
    "width_wise": {"method": "width_wise"},
    "layer_wise": {"method": "layer_wise"},
    "layered": {"method": Layered("outer2:free:int8,inner:frozen")},
    "progressive": {"method": "progressive"},
    "resize": {"method": "low_rank", "upsampling": "resize"},
    "both_ways": {"method": Piggyback(share_bank=True), "network": "resnet", "objective": "cyclegan"},
    "classifier": {"method": "low_rank", "network": "resnet18", "objective": "classification"},
}
# One for each way to compose: mixed, as recorded, packed, columns beside others, scores. `make test-long` has all.
TRIED = {"piggyback", "low_rank", "packnet", "progressive", "classifier"}


def given(shape):
    return to_float(np.random.default_rng(4).integers(0, 256, shape, dtype="uint8"))


def own_outputs(task, recorded):
    """{prefix: output of the first probe} of networks that are built for one task alone, or as recorded of them."""
    if recorded:
        return {prefix: made[:1] for prefix, made in task.probes.outputs.items()}
    inputs = task.probes.inputs
    return {prefix: outputs(layers.folded(live), inputs[prefix][:1]) for prefix, live in task.networks.items()}


class SwappingTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.place)

    def run_of(self, **kind):
        return Run(tiny_run(os.path.join(self.create_tempdir().full_path, "run"), NAMES, **kind))

    def test_every_method_is_among_the_kinds(self):
        free = {"half", "quarter", "finetune", "distilled"}  # Kernels as those of full.
        generators = {name for name, kind in METHODS.items() if kind.needs == "latents"}  # Not swapped.
        self.assertEmpty(METHODS.keys() - free - generators - KINDS.keys())

    @parameterized.named_parameters((kind + "_long" * (kind not in TRIED), kind) for kind in KINDS)
    def test_swapped_it_answers_as_its_own_network_to_the_bit(self, kind):
        run, one = self.run_of(**KINDS[kind]), SwappedNetworks()
        tasks = run.at(0), run.at(1)
        expected = [own_outputs(task, recorded=kind in AS_RECORDED) for task in tasks]
        for index in (1, 0, 1):
            task = tasks[index]
            for prefix, output in expected[index].items():
                compiled = one.network_for(task.slice, task.bank, prefix)
                self.assertAllEqual(outputs(compiled.network, task.probes.inputs[prefix][:1]), output)
        self.assertLen(one.compiled, 2 if kind == "progressive" else 1)

    def test_nothing_is_traced_again(self):
        run, size, alone = self.run_of(**KINDS["low_rank"]), (8, 8), SwappedNetworks()
        for task in (*run, *run):
            for shape in ((1, *size, 3), (2, *size, 3), (1, 16, 8, 3), (3, 8, 16, 3)):
                answer = task.network()(given(shape)).numpy()
                self.assertGreater(np.ptp(answer), 1e-2)
                self.assertAllClose(answer, task.networks["forward"](given(shape), training=False), atol=1e-5)
                if task.name == "maps":
                    self.assertAllEqual(answer, alone.network_for(task.slice, task.bank, "forward")(given(shape)))
        (compiled,) = run.compiled.compiled
        self.assertEqual(compiled.traces, 3)

    @parameterized.parameters("piggyback", "low_rank", "cpg", "delta")
    def test_kernels_are_those_that_verify_makes(self, kind):
        for task in self.run_of(**KINDS[kind]):
            found = {kernel.path: kernel.make() for kernel in kernels(task.slice, task.bank, "forward")}
            expected = layers.made_kernels(task.networks["forward"])
            self.assertEqual(list(found), list(expected))
            for path, recipe in expected.items():
                self.assertAllEqual(found[path], recipe.kernel(), path)

    def test_what_tasks_share_is_not_assigned_again(self):
        run = self.run_of(**KINDS["layered"])
        first, second = (run.compiled.network_for(task.slice, task.bank, "forward").keys.copy() for task in run)
        same = {name for name in first if first[name] == second[name]}
        self.assertNotIn("down1", same)
        self.assertNotIn("output", same)
        self.assertNotEmpty(same)

    def test_composed_kernels_take_no_more_than_they_may(self):
        run = self.run_of(**KINDS["low_rank"])
        networks = SwappedNetworks(most_bytes=2000)
        whole = SwappedNetworks()
        for _ in range(2):
            for task in run:
                bounded = networks.network_for(task.slice, task.bank, "forward")(given((1, 8, 8, 3)))
                self.assertAllEqual(bounded, whole.network_for(task.slice, task.bank, "forward")(given((1, 8, 8, 3))))
                self.assertLessEqual(networks.cache.bytes, 2000 + 4 * 4 * 32 * 32 * 4)
        self.assertGreater(whole.cache.bytes, 10 * 2000)

    @parameterized.parameters(("full", "float32", True), ("full", "int8", False), ("full", "int4", True))
    def test_kernels_that_are_larger_than_their_files_and_soon_read_do_not_stay_in_memory(
        self, kind, precision, expected
    ):
        run = self.run_of(**KINDS[kind], precision=precision)
        for task in run:
            run.compiled.network_for(task.slice, task.bank, "forward")
        self.assertEqual(len(run.compiled.cache) > 0, expected)

    def test_tasks_answer_in_many_threads_at_once(self):
        run = self.run_of(**KINDS["low_rank"])
        image = given((1, 8, 8, 3))
        tasks = {name: run[name] for name in NAMES}
        expected = {name: task.network()(image).numpy() for name, task in tasks.items()}
        wrong = []

        def ask(name):
            for _ in range(20):
                if not np.array_equal(tasks[name].network()(image).numpy(), expected[name]):
                    wrong.append(name)

        threads = [threading.Thread(target=ask, args=(name,)) for name in NAMES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEmpty(wrong)

    def test_sixteen_bits_answer_nearly_the_same(self):
        run = self.run_of(**KINDS["low_rank"])
        sixteen = SwappedNetworks(dtype="bfloat16")
        for task in run:
            for shape in ((1, 8, 8, 3), (1, 16, 8, 3)):
                exact = task.network()(given(shape)).numpy()
                answer = sixteen.network_for(task.slice, task.bank, "forward")(given(shape)).numpy()
                self.assertEqual(answer.dtype, np.float32)
                self.assertBetween(np.abs(answer - exact).mean(), 1e-6, 0.05)

    def test_a_liars_slice_is_refused_and_the_next_answers(self):
        folder = tiny_run(os.path.join(self.create_tempdir().full_path, "run"), NAMES)
        expected = Run(folder)["facades"].network()(given((1, 8, 8, 3)))
        rewrite(os.path.join(folder, "tasks", "02-maps"), {"forward/down1/bias": np.zeros([7], "float32")})
        run = Run(folder)
        with self.assertRaises((BankError, ValueError)):
            run.at(1).network()(given((1, 8, 8, 3)))
        self.assertAllEqual(run.at(0).network()(given((1, 8, 8, 3))), expected)


if __name__ == "__main__":
    tf.test.main()
