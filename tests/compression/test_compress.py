"""Compression of a task: what is chosen, what is stored, and that the rest of the run stays."""

import dataclasses
import functools
import os
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.compression.choice import KINDS, built, choose, compressed, factors, fits, fixed_bytes, method_of, outputs
from pgtf.compression.compress import Compression, compress
from pgtf.config import load_config
from pgtf.methods import Layered, Piggyback
from pgtf.runs.adopt import adopt
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from pgtf.storage import quantization
from tests.tiny import tiny_run

FREE = Piggyback(1.0)  # A network of free kernels.


@functools.cache
def run_of(network="unet", objective="pix2pix"):
    return Run(tiny_run(tempfile.mkdtemp(), network=network, objective=objective, method=FREE, size=(16, 16)))


def images(run):
    height, width = run["maps"].facts.architecture.size
    draw = np.random.default_rng(0)
    return {prefix: draw.uniform(-1, 1, (3, height, width, 3)).astype("float32") for prefix in run["maps"].networks}


class CompressedTest(tf.test.TestCase, parameterized.TestCase):
    def test_factors_are_the_nearest_product_of_their_rank(self):
        draw = np.random.default_rng(0)
        first, left, right = draw.normal(size=(3, 2, 5, 8)), draw.normal(size=(30, 4)), draw.normal(size=(4, 8))
        made, size = compressed((first + (left @ right).reshape(first.shape)).astype("float32"), first, "lora(4):int8")
        self.assertAllClose(made - first, (left @ right).reshape(first.shape), atol=0.15)  # But for int8.
        self.assertEqual(size, 4 * (30 + 8) + 4 * (4 + 8))  # Codes, and a scale for each column.
        noise = draw.normal(size=first.shape)
        one, other = factors(noise, 3)
        values = np.linalg.svd(noise.reshape(30, 8), compute_uv=False)
        self.assertAllClose(np.sum((one @ other - noise.reshape(30, 8)) ** 2), np.sum(values[3:] ** 2))
        self.assertAllClose(np.linalg.norm(one, axis=0), np.linalg.norm(other, axis=1))

    def test_a_rank_above_the_kernels_is_no_choice(self):
        self.assertTrue(fits("lora(4):int8", (3, 3, 2, 4)))
        self.assertFalse(fits("lora(16):int8", (3, 3, 2, 4)))
        self.assertFalse(fits("lora(4):int8", (1, 1, 3, 9)))
        self.assertTrue(fits("free:int8", (1, 1, 3, 9)))

    @parameterized.parameters(*(kind for kind in KINDS if not kind.startswith("lora")))
    def test_a_kernel_is_what_its_kind_stores(self, kind):
        first, kernel = np.random.default_rng(0).normal(size=(2, 3, 2, 5, 4)).astype("float32")
        made, size = compressed(kernel, first, kind)
        if kind == "frozen":
            self.assertAllEqual(made, first)
            self.assertEqual(size, 0)
            return
        values = kernel if kind == "free:int8" else kernel - first
        rest = made if kind == "free:int8" else made - first
        most = quantization.stored_bytes(kernel.shape, 32, "float32", KINDS[kind])
        self.assertEqual(compressed(kernel, first, kind, final=False)[1], most)
        self.assertLessEqual(size, most)
        for filter in range(4):
            levels = 1 + np.sum(np.diff(np.sort(rest[..., filter], axis=None)) > 1e-3)
            self.assertLessEqual(levels, {"delta(1)": 2, "delta(1.58)": 3, "delta(2)": 4, "delta(3)": 8}.get(kind, 30))
        self.assertLess(np.sum((rest - values) ** 2), 0.6 * np.sum(values**2))


class ChooseTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(("unet", "pix2pix"), ("resnet", "cyclegan"))
    def test_changes_are_those_of_networks_that_store_the_layer_so(self, network, objective):
        run = run_of(network, objective)
        task, bank, inputs = run["maps"], run.bank.only(["facades"]), images(run)
        name = "up2"  # A transposed convolution.
        nothing = {choice.name: choice for choice in choose(task.networks, bank, inputs, 0)}
        self.assertEqual({choice.kind for choice in nothing.values()}, {"frozen"})
        self.assertNotIn("output", nothing)
        made = built(
            task.facts.architecture, Layered(f"{name}:frozen,inner:free"), task.networks, task.slice.values, bank
        )
        expected = sum(
            np.mean((outputs(made[prefix], inputs[prefix]) - outputs(task.networks[prefix], inputs[prefix])) ** 2)
            for prefix in made
        )
        self.assertGreater(expected, 1e-4)
        self.assertAllClose(nothing[name].change, expected, rtol=1e-3)

    def test_kernels_of_the_result_are_those_that_were_measured(self):
        run = run_of()
        task, bank = run["maps"], run.bank.only(["facades"])
        choices = choose(task.networks, bank, images(run), 2500)
        self.assertGreater(len({choice.kind for choice in choices}), 1)
        choices[-1] = dataclasses.replace(choices[-1], kind="lora(4):int8")  # Chosen or not.
        method = method_of(choices)
        made = built(task.facts.architecture, method, task.networks, task.slice.values, bank)["forward"]
        kernels = layers.made_kernels(task.networks["forward"])
        for choice in choices:
            path = f"forward/{choice.name}"
            first = np.asarray(bank.lent(path))
            state = layers.made_kernels(made)[path].state()
            expected, _ = compressed(kernels[path].kernel().numpy(), first, choice.kind)
            if choice.kind.startswith("lora"):
                left, right = (quantization.restored(*quantization.rounded(each, "int8")) for each in state.values())
                self.assertAllClose(first + (left @ right).reshape(first.shape), expected)
                continue
            (value,) = state.values() or (np.zeros_like(first),)
            if choice.kind.startswith("delta"):
                precision = KINDS[choice.kind]
                value = first + quantization.decoded(quantization.encoded(value, precision), value.shape, precision)
            elif choice.kind == "free:int8":
                value = quantization.restored(*quantization.rounded(value, "int8"))
            else:
                value = layers.made_kernels(made)[path].kernel()
            self.assertAllEqual(value, expected, choice.name)


class CompressTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_copy_fits_and_is_proved_and_the_others_stay(self):
        folder = tiny_run(tempfile.mkdtemp(), method=FREE, size=(16, 16))
        before = [Run(folder).bank.entry(index) for index in range(2)]
        task = Run(folder)["maps"].facts
        fixed = fixed_bytes(task.architecture, task.generators)
        changes = []
        for budget in (fixed, fixed + 3000):
            made = compress(folder, "maps", f"maps-{budget}", Compression(budget, images=4))
            self.assertLessEqual(made.slice.stored_bytes, budget)
            self.assertEqual(made.slice.stored_bytes, fixed + sum(choice.bytes for choice in made.choices))
            changes.append(made.change["forward"])
        self.assertEqual(sorted(changes, reverse=True), changes)
        run = Run(folder)
        self.assertEqual([run.bank.entry(index) for index in range(2)], before)
        self.assertEqual(load_config(folder).tasks, tuple(run.names))
        found = list(verdicts(folder))
        self.assertTrue(all(verdict.replay.bit_equal for verdict in found))
        self.assertLen(found, 4)
        copy = run.bank.slice(3)
        self.assertEqual([borrowed.task for borrowed in copy.borrows], ["facades"])
        self.assertIsInstance(copy.facts.method, Layered)
        self.assertEqual(copy.facts.learnt_as, "maps")
        self.assertTrue(os.path.exists(os.path.join(run.bank.place(3, copy.name), "replays.json")))
        # The run keeps its method: it still takes in tasks of it.
        other = tiny_run(tempfile.mkdtemp(), ("facades", "maps", "edges"), method=FREE, size=(16, 16))
        self.assertEqual(adopt(folder, Run(other), ["edges"]), ["edges"])

    def test_repair_brings_it_nearer(self):
        folder = tiny_run(tempfile.mkdtemp(), method=FREE, size=(16, 16))
        budget = Compression(0.25, images=4)
        post_hoc = compress(folder, "maps", "small", budget)
        repaired = compress(
            folder, "maps", "repaired", Compression(0.25, images=4, repair=40, repair_images=8, learning_rate=3e-3)
        )
        self.assertLess(repaired.change["forward"], 0.9 * post_hoc.change["forward"])
        self.assertLessEqual(repaired.slice.stored_bytes, 0.25 * 4 * repaired.slice.facts.full_values)

    @parameterized.parameters(
        ("facades", "new", 0.5, "Only a later task .* Received: 'facades'"),
        ("maps", "facades", 0.5, "--as must be a new task's name.* Received: 'facades'"),
        ("maps", "new", 3, "--to must be at least what heads, norms and biases take, .* Received: 3 bytes"),
        ("nothing", "new", 0.5, "Unknown task"),
    )
    def test_what_cannot_be_compressed_is_refused(self, name, new, budget, rule):
        folder = run_of().folder
        with self.assertRaisesRegex(ValueError, rule):
            compress(folder, name, new, Compression(budget))
        self.assertEqual(Run(folder).names, ["facades", "maps"])


if __name__ == "__main__":
    tf.test.main()
