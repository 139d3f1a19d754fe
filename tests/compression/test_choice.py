"""The choice of kinds: what a kind changes, and the networks that are built."""

import dataclasses
import functools
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.compression.choice import built, choose, method_of, outputs
from pgtf.compression.kernel_pair import KINDS, KernelPair
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


class ChooseTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(("one_network", "unet", "pix2pix"), ("both_ways_long", "resnet", "cyclegan"))
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
