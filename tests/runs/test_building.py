"""Which recipe makes which layer, and where the first values come from."""

import functools

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.bank import FilterBank, TaskSlice
from pgtf.layers import restore, stored
from pgtf.methods import METHODS, Architecture, Maker, generator
from pgtf.recipes import Full, Piggyback

UNET = Architecture("unet", 4, 4, filters=4)
RESNET = Architecture("resnet", 16, 16, filters=4, blocks=1)
BOTH = (("unet", UNET, {"output"}), ("resnet", RESNET, {"up1", "output"}))
X = np.random.default_rng(0).uniform(-1, 1, size=(1, 8, 12, 3)).astype("float32")


def recipes(network):
    return {layer.name: layer.recipe for layer in network.layers if hasattr(layer, "recipe")}


def slice_of(name, *networks):
    return TaskSlice(name, {path: value for network in networks for path, value in stored(network).items()})


def learnt(network, seed):
    """Stands in for training: every value becomes another."""
    random = np.random.default_rng(seed)
    values = {path: random.normal(scale=0.3, size=value.shape) for path, value in stored(network).items()}
    restore(network, values)
    return network


@functools.cache
def first_slice(architecture):
    return slice_of("one", learnt(generator(architecture, "piggyback"), 1))


def bank_after_one(architecture):
    return FilterBank([first_slice(architecture)])


class RecipesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*METHODS)
    def test_the_first_task_is_free(self, method):
        self.assertEqual({type(recipe) for recipe in recipes(generator(UNET, method)).values()}, {Full})

    @parameterized.named_parameters(*BOTH)
    def test_from_the_second_on_only_task_specific_layers_are(self, architecture, task_specific):
        made = recipes(generator(architecture, "piggyback", bank_after_one(architecture)))
        self.assertEqual({name for name, recipe in made.items() if type(recipe) is Full}, task_specific)
        self.assertEqual({type(made[name]) for name in set(made) - task_specific}, {Piggyback})

    @parameterized.parameters("full", "half", "quarter")
    def test_a_method_that_borrows_nothing_is_always_free(self, method):
        made = recipes(generator(UNET, method, bank_after_one(UNET)))
        self.assertEqual({type(recipe) for recipe in made.values()}, {Full})

    @parameterized.parameters(("full", 8), ("half", 4), ("quarter", 2), ("piggyback", 8), ("factorized", 8))
    def test_widths(self, method, width):
        network = generator(Architecture("unet", 4, 4, filters=8), method)
        widths = {layer.name: layer.filters for layer in network.layers if hasattr(layer, "recipe")}
        self.assertEqual(
            widths,
            {"down1": width, "down2": 2 * width, "up2": width, "output": 3},
        )

    def test_a_quarter_of_one_filter_is_one(self):
        network = generator(Architecture("unet", 4, 4, filters=1), "quarter")
        self.assertEqual(network.get_layer("down1").filters, 1)

    def test_settings_reach_the_recipe(self):
        bank = bank_after_one(UNET)
        settings = dict(unconstrained_ratio=0.5, start="random", apply="mix")
        recipe = recipes(generator(UNET, "piggyback", bank, **settings))["down2"]
        self.assertEqual((recipe.ratio, recipe.start, recipe.way), (0.5, "random", "mix"))
        self.assertEqual(recipe.unconstrained.shape, (4, 4, 4, 4))

    def test_factorized_has_no_unconstrained_filters(self):
        bank = bank_after_one(UNET)
        network = generator(UNET, "factorized", bank, unconstrained_ratio=0.5)
        made = recipes(network)
        self.assertEqual({name for name, recipe in made.items() if type(recipe) is Full}, {"output"})
        unconstrained = [path for path in stored(network) if path.endswith("unconstrained")]
        self.assertEqual(unconstrained, ["forward/output/unconstrained"])
        self.assertEqual(stored(network)["forward/down2/mixing"].shape, (8, 8))
        bank.append(1, slice_of("two", network))
        self.assertEqual(bank["forward/down2"].shape, (4, 4, 4, 8))


class FirstValuesTest(tf.test.TestCase, parameterized.TestCase):
    def values(self, seed=0, prefix="forward", bank=(), **settings):
        return stored(generator(UNET, "piggyback", bank, prefix=prefix, seed=seed, **settings))

    def test_are_a_function_of_seed_and_path(self):
        one, again, other, backward = self.values(), self.values(), self.values(seed=1), self.values(prefix="backward")
        for path, value in one.items():
            self.assertAllEqual(again[path], value, path)
            if path.endswith("unconstrained"):
                self.assertNotAllClose(other[path], value, msg=path)
                self.assertNotAllClose(backward[path.replace("forward", "backward")], value, msg=path)

    def test_differ_from_layer_to_layer(self):
        make = Maker("forward")
        one, again, other = (make.initializer(name)((3, 3, 4, 4)) for name in ("block1a", "block1a", "block1b"))
        self.assertAllEqual(one, again)
        self.assertNotAllClose(one, other)

    def test_have_the_papers_spread(self):
        values = stored(generator(Architecture("unet", 4, 4, filters=16), "full"))
        kernel = values["forward/down2/unconstrained"]
        self.assertAllClose(kernel.std(), 0.02, rtol=0.05)
        self.assertAllClose(kernel.mean(), 0, atol=1e-3)
        self.assertAllEqual(values["forward/down2/bias"], np.zeros(32))

    def test_of_a_random_start_too(self):
        bank = bank_after_one(UNET)
        one, again, other = (self.values(seed=seed, bank=bank, start="random") for seed in (0, 0, 1))
        for path, value in one.items():
            self.assertAllEqual(again[path], value, path)
            if path.endswith(("mixing", "unconstrained")):
                self.assertNotAllClose(other[path], value, msg=path)

    def test_the_mixing_does_not_repeat_the_unconstrained_filters_numbers(self):
        values = self.values(bank=bank_after_one(UNET), start="random")
        unconstrained, mixing = (values[f"forward/down2/{part}"].ravel() for part in ("unconstrained", "mixing"))
        count = min(unconstrained.size, mixing.size)
        self.assertLess(abs(np.corrcoef(unconstrained[:count], mixing[:count])[0, 1]), 0.3)

    def test_of_the_first_tasks_start_are_the_first_kernels(self):
        bank = bank_after_one(UNET)
        made = recipes(generator(UNET, "piggyback", bank))
        for name in ("down1", "down2", "up2"):
            self.assertAllEqual(made[name].kernel(), bank.slice(0).values[f"forward/{name}/unconstrained"])


class BorrowingTest(tf.test.TestCase, parameterized.TestCase):
    def test_from_both_prefixes(self):
        forward = learnt(generator(UNET, "piggyback", prefix="forward"), 1)
        backward = learnt(generator(UNET, "piggyback", prefix="backward"), 2)
        bank = FilterBank([slice_of("one", forward, backward)])
        own = recipes(generator(UNET, "piggyback", bank, prefix="backward"))
        both = recipes(generator(UNET, "piggyback", bank, prefix="backward", borrows_from=("backward", "forward")))
        for name in ("down1", "down2", "up2"):
            c_out = own[name].bank.shape[-1]
            self.assertAllEqual(own[name].bank, bank[f"backward/{name}"])
            self.assertEqual(both[name].bank.shape[-1], 2 * c_out)
            self.assertAllEqual(both[name].bank[..., :c_out], bank[f"backward/{name}"])
            self.assertAllEqual(both[name].bank[..., c_out:], bank[f"forward/{name}"])
            # It starts as the first it borrows from: its own.
            self.assertAllEqual(both[name].kernel(), bank[f"backward/{name}"])
        self.assertIsInstance(both["output"], Full)

    @parameterized.named_parameters(("piggyback", "piggyback"), ("factorized", "factorized"))
    def test_every_task_replays_bit_for_bit_when_others_were_learnt(self, method):
        folder = self.create_tempdir().full_path
        bank, outputs = FilterBank(folder=folder), []
        for index, name in enumerate(("one", "two", "three", "four")):
            network = learnt(generator(UNET, method, bank), index)
            outputs.append(network(X).numpy())
            bank.append(index, slice_of(name, network))
        bank = FilterBank.open(folder)
        for index, output in enumerate(outputs):
            network = generator(UNET, method, bank.upto(index))
            restore(network, bank.slice(index).values)
            self.assertAllEqual(network(X), output)
        for index in range(1, 4):
            self.assertNotAllClose(outputs[index], outputs[index - 1])
        # (4, 4, 4 -> 8): two free filters a task, for a bank of 8, 10, 12 in turn.
        grown = {"piggyback": 8 + 3 * 2, "factorized": 8}[method]
        self.assertEqual(bank["forward/down2"].shape, (4, 4, 4, grown))


if __name__ == "__main__":
    tf.test.main()
