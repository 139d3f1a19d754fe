"""The choice of kinds: what a kind stores of a kernel, what it changes, and the networks that are built."""

import dataclasses
import functools
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.compression.choice import KINDS, KernelPair, built, choose, fits, method_of, outputs
from pgtf.methods import METHODS, Layered, Piggyback
from pgtf.runs.run import Run
from pgtf.storage import quantization
from tests.tiny import tiny_run

FREE = Piggyback(1.0)  # A network of free kernels.


@functools.cache
def run_of(network="unet", objective="pix2pix", method=FREE):
    return Run(tiny_run(tempfile.mkdtemp(), network=network, objective=objective, method=method, size=(16, 16)))


def images(run):
    height, width = run["maps"].facts.architecture.size
    draw = np.random.default_rng(0)
    return {prefix: draw.uniform(-1, 1, (3, height, width, 3)).astype("float32") for prefix in run["maps"].networks}


class CompressedTest(tf.test.TestCase, parameterized.TestCase):
    def test_factors_are_the_nearest_product_of_their_rank(self):
        draw = np.random.default_rng(0)
        first, left, right = draw.normal(size=(3, 2, 5, 8)), draw.normal(size=(30, 4)), draw.normal(size=(4, 8))
        kernel = (first + (left @ right).reshape(first.shape)).astype("float32")
        made, size = KernelPair(kernel, first).compressed("lora(4):int8")
        self.assertAllClose(made - first, (left @ right).reshape(first.shape), atol=0.15)  # But for int8.
        self.assertEqual(size, 4 * (30 + 8) + 4 * (4 + 8))  # Codes, and a scale for each column.
        noise = draw.normal(size=first.shape)
        one, other = KernelPair(noise, 0 * noise).factors(3)
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
        made, size = KernelPair(kernel, first).compressed(kind)
        if kind == "frozen":
            self.assertAllEqual(made, first)
            self.assertEqual(size, 0)
            return
        values = kernel if kind == "free:int8" else kernel - first
        rest = made if kind == "free:int8" else made - first
        most = quantization.stored_bytes(kernel.shape, 32, "float32", KINDS[kind])
        self.assertEqual(KernelPair(kernel, first).compressed(kind, final=False)[1], most)
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
            expected, _ = KernelPair(kernels[path].kernel().numpy(), first).compressed(choice.kind)
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

    @parameterized.named_parameters(
        (f"_{name}" if name in ("mask", "low_rank") else f"_{name}_long", name)
        for name, kind in METHODS.items()
        if kind.compressible and not kind.needs
    )
    def test_free_layers_are_the_network_of_any_method_that_can_be_compressed(self, method):
        run = run_of(method=method)
        task, inputs = run["maps"], images(run)["forward"]
        free = Layered("inner:free"), task.networks, task.slice.values, run.bank.only(["facades"])
        made = built(task.facts.architecture, *free)["forward"]
        self.assertAllClose(outputs(made, inputs), outputs(task.networks["forward"], inputs), atol=1e-4)


if __name__ == "__main__":
    tf.test.main()
