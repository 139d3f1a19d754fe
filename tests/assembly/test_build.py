"""Which recipe makes which layer, and where the first values come from."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank, rebuild, slice_of
from pgtf.assembly.planned_data import data_of
from pgtf.config import Config, task_plans
from pgtf.layers import LayerFactory
from pgtf.methods import METHODS, Factorized, Full, Half, Piggyback, Quarter
from pgtf.networks import Architecture
from pgtf.objectives import CycleGAN, Pix2Pix
from pgtf.recipes import Full as FullRecipe
from pgtf.recipes import Piggyback as PiggybackRecipe
from pgtf.storage.facts import Facts
from tests.tiny import random_value

UNET = Architecture("unet", (4, 4), width=4)
PIGGYBACK = Piggyback()
RESNET = Architecture("resnet", (16, 16), width=4, blocks=1)
SHAPES = (("unet", UNET, {"output"}), ("resnet", RESNET, {"up1", "output"}))
X = np.random.default_rng(0).uniform(-1, 1, size=(1, 8, 12, 3)).astype("float32")


def generator(architecture=UNET, method=PIGGYBACK, bank=None, prefix="forward", seed=0, begun=False):
    """The new generator of a task; begun: with the values that its method starts from."""
    networks = build.generators(architecture, method, (prefix,), bank, seed)
    if begun:
        method.initialize(networks, bank or NetworkBank())
    return networks[prefix]


def recipes(network):
    return {path.split("/")[1]: recipe for path, recipe in layers.made_kernels(network).items()}


def sliced(name, *networks, bank=None, method=PIGGYBACK, architecture=UNET):
    facts = Facts(architecture, method, Pix2Pix() if len(networks) == 1 else CycleGAN())
    return slice_of(name, {network.name: network for network in networks}, bank or NetworkBank(), facts)


def learnt(network, seed):
    """Stands in for training: every value becomes another."""
    draw = np.random.default_rng(seed)
    layers.restore(network, {path: random_value(draw, path, value) for path, value in layers.state(network).items()})
    return network


@functools.cache
def first_slice(architecture):
    return sliced("one", learnt(generator(architecture), 1), architecture=architecture)


def bank_after_one(architecture=UNET):
    return NetworkBank([first_slice(architecture)])


def bank_both_ways():
    """A bank after one task, learnt both ways."""
    networks = build.generators(UNET, Piggyback(), ("forward", "backward"))
    return NetworkBank([sliced("one", learnt(networks["forward"], 1), learnt(networks["backward"], 2))])


class RecipesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*METHODS)
    def test_the_first_task_is_free(self, method):
        for recipe in recipes(generator(method=METHODS[method]())).values():
            (variable,) = recipe.trainable_variables
            self.assertAllEqual(recipe.kernel(), variable)

    @parameterized.named_parameters(*SHAPES)
    def test_from_the_second_on_only_task_specific_layers_are(self, architecture, task_specific):
        made = recipes(generator(architecture, bank=bank_after_one(architecture)))
        self.assertEqual({name for name, recipe in made.items() if type(recipe) is FullRecipe}, task_specific)
        self.assertEqual({type(made[name]) for name in set(made) - task_specific}, {PiggybackRecipe})

    @parameterized.parameters(Full(), Half(), Quarter())
    def test_a_method_that_borrows_nothing_is_always_free(self, method):
        made = recipes(generator(method=method, bank=bank_after_one()))
        self.assertEqual({type(recipe) for recipe in made.values()}, {FullRecipe})

    @parameterized.parameters((Full(), 8), (Half(), 4), (Quarter(), 2), (Piggyback(), 8), (Factorized(), 8))
    def test_widths(self, method, width):
        network = generator(Architecture("unet", (4, 4), width=8), method)
        widths = {layer.name: layer.filters for layer in network.layers if hasattr(layer, "recipe")}
        self.assertEqual(widths, {"down1": width, "down2": 2 * width, "up2": width, "output": 3})

    def test_a_quarter_of_one_filter_is_one(self):
        network = generator(Architecture("unet", (4, 4), width=1), Quarter())
        self.assertEqual(network.get_layer("down1").filters, 1)

    @parameterized.parameters(Half(), Quarter())
    def test_a_narrow_task_is_rebuilt(self, method):
        """Nothing in the smallest of networks has as many filters as a full one's first layer."""
        network = learnt(generator(Architecture("unet", (4, 4), width=8), method), 1)
        task_slice = sliced("one", network, method=method, architecture=Architecture("unet", (4, 4), width=8))
        self.assertAllEqual(rebuild(task_slice, NetworkBank())["forward"](X), network(X))

    def test_settings_reach_the_recipe(self):
        recipe = recipes(generator(method=Piggyback(0.5), bank=bank_after_one()))["down2"]
        self.assertEqual((recipe.ratio, recipe.strategy), (0.5, "auto"))
        self.assertEqual(recipe.unconstrained.shape, (4, 4, 4, 4))

    def test_factorized_has_no_unconstrained_filters(self):
        bank = bank_after_one()
        network = generator(method=Factorized(), bank=bank)
        made, state = recipes(network), layers.state(network)
        self.assertEqual({name for name, recipe in made.items() if type(recipe) is FullRecipe}, {"output"})
        self.assertEqual([path for path in state if path.endswith("unconstrained")], ["forward/output/unconstrained"])
        self.assertEqual(state["forward/down2/mixing"].shape, (8, 8))
        bank.append(sliced("two", network, bank=bank, method=Factorized()))
        self.assertEqual(bank.lent("forward/down2").shape, (4, 4, 4, 8))

    def test_task_specific_layers_lend_nothing(self):
        bank = bank_after_one(RESNET)
        for path in ("forward/up1", "forward/output"):
            self.assertIn(f"{path}/unconstrained", bank["one"].values)
            self.assertEqual(bank.lent(path).parts, ())
        self.assertEqual(bank.lent("forward/up2").shape, (3, 3, 16, 8))


class FirstValuesTest(tf.test.TestCase, parameterized.TestCase):
    def values(self, method=PIGGYBACK, bank=None, seed=0, prefix="forward"):
        return layers.state(generator(UNET, method, bank, prefix, seed, begun=True))

    def test_are_a_function_of_seed_and_path(self):
        one, again, other, backward = self.values(), self.values(), self.values(seed=1), self.values(prefix="backward")
        for path, value in one.items():
            self.assertAllEqual(again[path], value, path)
            if path.endswith("unconstrained"):
                self.assertNotAllClose(other[path], value, msg=path)
                self.assertNotAllClose(backward[path.replace("forward", "backward")], value, msg=path)

    def test_differ_from_layer_to_layer(self):
        make = LayerFactory("forward")
        one, again, other = (make.initializer(name)((3, 3, 4, 4)) for name in ("block1a", "block1a", "block1b"))
        self.assertAllEqual(one, again)
        self.assertNotAllClose(one, other)

    def test_have_the_papers_spread(self):
        values = layers.state(generator(Architecture("unet", (4, 4), width=16), Full()))
        kernel = values["forward/down2/unconstrained"]
        self.assertAllClose(kernel.std(), 0.02, rtol=0.05)
        self.assertAllClose(kernel.mean(), 0, atol=1e-3)
        self.assertAllEqual(values["forward/down2/bias"], np.zeros(32))

    def test_of_a_random_start_too(self):
        bank, method = bank_after_one(), Piggyback(start="random")
        one, again, other = (self.values(method, bank, seed) for seed in (0, 0, 1))
        for path, value in one.items():
            self.assertAllEqual(again[path], value, path)
            if path.endswith(("mixing", "unconstrained")):
                self.assertNotAllClose(other[path], value, msg=path)

    def test_the_mixing_does_not_repeat_the_unconstrained_filters_numbers(self):
        values = self.values(Piggyback(start="random"), bank_after_one())
        unconstrained, mixing = (values[f"forward/down2/{part}"].ravel() for part in ("unconstrained", "mixing"))
        count = min(unconstrained.size, mixing.size)
        self.assertLess(abs(np.corrcoef(unconstrained[:count], mixing[:count])[0, 1]), 0.3)

    @parameterized.parameters(Piggyback(), Piggyback(0.6), Factorized())
    def test_of_the_first_tasks_start_make_the_first_tasks_network(self, method):
        bank = bank_after_one()
        network = generator(method=method, bank=bank, begun=True)
        made, state, first = recipes(network), layers.state(network), bank["one"].values
        for path, value in first.items():
            name, kind = path.split("/")[1:]
            self.assertAllEqual(made[name].kernel() if kind == "unconstrained" else state[path], value, path)
        expected = rebuild(bank.slice(0), NetworkBank())["forward"](X)
        # Convolving with the bank and mixing the result rounds differently from convolving with the mixed kernel.
        self.assertAllClose(network(X), expected, rtol=0, atol=1e-6)
        for recipe in made.values():
            recipe.strategy = "compose"
        self.assertAllEqual(network(X), expected)

    def test_of_the_first_tasks_start_are_the_firsts_in_a_longer_bank_too(self):
        bank = bank_after_one()
        bank.append(sliced("two", learnt(generator(bank=bank), 2), bank=bank))
        made = recipes(generator(bank=bank, begun=True))
        for name in ("down1", "down2", "up2"):
            self.assertAllEqual(made[name].kernel(), bank["one"].values[f"forward/{name}/unconstrained"])

    @parameterized.named_parameters(
        ("alone", {}, True),
        ("with_equal_steps", dict(equal_steps=True), True),
        ("with_free_kernels", dict(free_up_to=300), True),
        ("with_free_outer_layers", dict(free_outer=1), True),
        ("near_where_it_is_not_lent_all", dict(borrow_from="last:1"), False),
    )
    def test_of_the_previous_tasks_start_make_its_network(self, settings, whole):
        bank, method = bank_after_one(), Piggyback(start="previous_task", **settings)
        for number, name in ((2, "two"), (3, "three")):
            lenders = bank.only(method.borrows(bank.names))
            bank.append(
                sliced(name, learnt(generator(method=method, bank=lenders), number), bank=lenders, method=method)
            )
        network = generator(method=method, bank=bank.only(method.borrows(bank.names)))
        method.initialize({"forward": network}, bank)
        former = recipes(bank.network("three", "forward"))
        for name, recipe in recipes(network).items():
            free = recipe.unconstrained.shape[-1]
            self.assertAllClose(recipe.kernel()[..., :free], former[name].kernel()[..., :free], atol=1e-5)
            if whole:
                self.assertAllClose(recipe.kernel(), former[name].kernel(), atol=1e-4, msg=name)
        if whole:
            self.assertAllClose(network(X), bank.network("three", "forward")(X), atol=1e-3)
            self.assertNotAllClose(network(X), bank.network("one", "forward")(X), atol=0.1)

    def test_of_the_previous_tasks_start_both_ways_with_a_shared_bank(self):
        bank, method, both = (
            bank_both_ways(),
            Piggyback(start="previous_task", share_bank=True),
            ("forward", "backward"),
        )
        second = build.generators(UNET, method, both, bank)
        bank.append(
            sliced("two", *(learnt(second[prefix], 3 + n) for n, prefix in enumerate(both)), bank=bank, method=method)
        )
        third = build.generators(UNET, method, both, bank)
        method.initialize(third, bank)
        for prefix in both:
            self.assertAllClose(third[prefix](X), second[prefix](X), atol=1e-3)
        self.assertNotAllClose(third["forward"](X), third["backward"](X), atol=0.1)

    def test_a_learner_begins_as_its_method_says(self):
        config = Config(width=4, image_size="4", load_size="4", discriminator_width=2, discriminator_layers=1)
        bank = bank_after_one()
        for method, begins_as_the_first in ((Piggyback(), True), (Piggyback(start="random"), False)):
            config = dataclasses.replace(config, method=method)
            kernel = recipes(build.learner(task_plans(config)[1], bank, 10).generators["forward"])["down2"].kernel()
            is_the_first = np.array_equal(kernel, bank["one"].values["forward/down2/unconstrained"])
            self.assertEqual(is_the_first, begins_as_the_first)


class BorrowingTest(tf.test.TestCase, parameterized.TestCase):
    def test_from_both_prefixes(self):
        bank, shared = bank_both_ways(), Piggyback(share_bank=True)
        for prefix in ("forward", "backward"):
            own = recipes(generator(bank=bank, prefix=prefix))
            both = recipes(generator(method=shared, bank=bank, prefix=prefix, begun=True))
            for name in ("down1", "down2", "up2"):
                c_out = own[name].bank.shape[-1]
                self.assertAllEqual(own[name].bank, bank.lent(f"{prefix}/{name}"))
                self.assertEqual(both[name].bank.shape[-1], 2 * c_out)
                # In one order for both generators.
                self.assertAllEqual(both[name].bank[..., :c_out], bank.lent(f"forward/{name}"))
                self.assertAllEqual(both[name].bank[..., c_out:], bank.lent(f"backward/{name}"))
                # It starts as its own, not as the other.
                self.assertAllEqual(both[name].kernel(), bank.lent(f"{prefix}/{name}"))
            self.assertIsInstance(both["output"], FullRecipe)

    @parameterized.named_parameters(("piggyback", Piggyback(), 8 + 3 * 2), ("factorized", Factorized(), 8))
    def test_every_task_replays_bit_for_bit_when_others_were_learnt(self, method, grown):
        folder = self.create_tempdir().full_path
        bank, outputs = NetworkBank(folder=folder), []
        for index, name in enumerate(("one", "two", "three", "four")):
            network = learnt(generator(method=method, bank=bank), index)
            outputs.append(network(X).numpy())
            bank.append(sliced(name, network, bank=bank, method=method))
        bank = NetworkBank.open(folder)
        for index, output in enumerate(outputs):
            task_slice = bank.slice(index)
            network = rebuild(task_slice, bank.lenders_of(task_slice.borrows))["forward"]
            self.assertAllEqual(network(X), output)
        for index in range(1, 4):
            self.assertNotAllClose(outputs[index], outputs[index - 1])
        # (4, 4, 4 -> 8): two free filters a task, for a bank of 8, 10, 12 in turn.
        self.assertEqual(bank.lent("forward/down2").shape, (4, 4, 4, grown))


class ProbesTest(tf.test.TestCase):
    def test_are_as_many_as_set(self):
        config = Config(tasks=("facades",), image_size="16", drawn_images=1, probes=3)
        (plan,) = task_plans(config)
        found = build.probes(plan, data_of(plan))
        self.assertEqual(found.inputs["forward"].shape, (3, 16, 16, 3))
        self.assertEqual(found.targets["forward"].shape, (3, 16, 16, 3))


class PrecisionTest(tf.test.TestCase):
    def test_a_learnt_task_is_float32_whatever_networks_are_made_in(self):
        with build.precision("mixed_bfloat16"):
            made = generator()
            rebuilt = rebuild(first_slice(UNET), NetworkBank())["forward"]
        self.assertEqual(made.get_layer("down1").compute_dtype, "bfloat16")
        self.assertEqual(rebuilt.get_layer("down1").compute_dtype, "float32")
        self.assertEqual(generator().get_layer("down1").compute_dtype, "float32")


if __name__ == "__main__":
    tf.test.main()
