"""Checks the state of a network, by layer path, and its restoring."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import (
    Conv2D,
    Conv2DTranspose,
    Dropout,
    InstanceNormalization,
    LayerFactory,
    copy_matching,
    lent,
    restore,
    state,
)
from pgtf.recipes import Piggyback

X = np.random.default_rng(1).normal(size=(2, 6, 8, 3)).astype("float32")
BANK = np.random.default_rng(0).normal(size=(3, 2, 3, 9)).astype("float32")
SHAPES = {
    "forward/down/unconstrained": (3, 2, 3, 2),
    "forward/down/mixing": (9, 6),
    "forward/down/bias": (8,),
    "forward/norm/gamma": (8,),
    "forward/norm/beta": (8,),
    "forward/batch/gamma": (8,),
    "forward/batch/beta": (8,),
    "forward/batch/moving_mean": (8,),
    "forward/batch/moving_variance": (8,),
    "forward/output/unconstrained": (2, 3, 8, 4),
    "forward/output/bias": (4,),
}


def network(bank=BANK, seed=0):
    image = keras.Input((None, None, 3))
    h = Conv2D(8, (3, 2), recipe=Piggyback(bank, seed=seed), name="down")(image)
    h = InstanceNormalization(name="norm")(h)
    h = keras.layers.BatchNormalization(name="batch")(h)
    h = Dropout(0.5, name="dropout")(keras.layers.ReLU()(h))
    initializer = keras.initializers.RandomNormal(seed=seed)
    h = Conv2DTranspose(4, (2, 3), 2, kernel_initializer=initializer, name="output")(h)
    return keras.Model(image, h, name="forward")


def other_values(seed=5):
    random = np.random.default_rng(seed)
    return {path: random.uniform(0.1, 1, size=shape).astype("float32") for path, shape in SHAPES.items()}


class StateTest(tf.test.TestCase):
    def test_all_that_a_task_alone_must_keep(self):
        values = state(network())
        self.assertEqual({path: value.shape for path, value in values.items()}, SHAPES)
        self.assertTrue(all(isinstance(value, np.ndarray) for value in values.values()))

    def test_what_is_stored_does_not_change_with_the_network(self):
        model = network()
        values = state(model)
        before = {path: value.copy() for path, value in values.items()}
        restore(model, other_values())
        for path in before:
            self.assertAllEqual(values[path], before[path], path)
            self.assertNotAllEqual(state(model)[path], before[path], path)

    def test_restored_elsewhere_is_the_same_network(self):
        model, again = network(seed=1), network(seed=2)
        restore(model, other_values())
        self.assertNotAllEqual(again(X), model(X))
        restore(again, state(model))
        self.assertAllEqual(again(X), model(X))
        for path, value in other_values().items():
            self.assertAllEqual(state(again)[path], value, path)

    def test_a_value_that_is_not_there_is_missed(self):
        values = other_values()
        del values["forward/norm/gamma"]
        with self.assertRaisesRegex(KeyError, "forward/norm/gamma"):
            restore(network(), values)

    def test_values_of_a_wrong_shape_are_refused(self):
        values = {**other_values(), "forward/down/mixing": np.ones((6, 9), "float32")}
        with self.assertRaises(ValueError):
            restore(network(), values)

    def test_begin_as_takes_what_fits(self):
        model = network(np.concatenate([BANK, BANK[..., :2]], -1))  # A bank of 11: another mixing.
        before = state(model)
        values = {**other_values(), "backward/norm/gamma": np.ones(8, "float32")}
        copy_matching(model, values)
        after = state(model)
        for path in SHAPES:
            if path == "forward/down/mixing":
                self.assertAllEqual(after[path], before[path])
            else:
                self.assertAllEqual(after[path], values[path], path)

    def test_begin_as_needs_nothing_to_fit(self):
        model = network()
        before = state(model)
        copy_matching(model, {"elsewhere/down/bias": np.ones(8, "float32")})
        for path, value in state(model).items():
            self.assertAllEqual(value, before[path])


class LentTest(tf.test.TestCase, parameterized.TestCase):
    def made(self, recipe, upsampling="transpose"):
        make = LayerFactory("forward", recipe=recipe, upsampling=upsampling)
        image = keras.Input((None, None, 3))
        h = make.norm("down_norm")(make.conv("down", 8, 3)(image))
        h = make.up("last", 4, 3, task_specific=True)(make.up("up", 4, 3)(h))
        return keras.Model(image, make.conv("output", 3, 3, task_specific=True)(h), name="forward")

    @parameterized.product(ratio=[None, 0.25, 1], upsampling=["transpose", "resize"])
    def test_unconstrained_filters_are_lent_but_for_those_of_task_specific_layers(self, ratio, upsampling):
        # Neither mixings, biases and norms, nor what only this task has.
        model = self.made(ratio and self.mixed(ratio), upsampling)
        self.assertEqual(lent(model), {"forward/down/unconstrained", "forward/up/unconstrained"})
        self.assertContainsSubset(
            {"forward/last/unconstrained", "forward/output/unconstrained", "forward/down/bias", "forward/up/bias"},
            state(model),
        )

    def test_a_network_without_unconstrained_filters_lends_nothing(self):
        self.assertEmpty(lent(self.made(self.mixed(0))))

    def mixed(self, ratio):
        """Returns a function that makes a kernel's recipe, with a bank of 5 filters."""
        channels = {"forward/down": 3, "forward/up": 8}
        return lambda site: Piggyback((3, 3, channels[site.path], 5), ratio, initializer=site.initializer)


if __name__ == "__main__":
    tf.test.main()
