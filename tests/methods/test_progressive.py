"""Progressive networks: three columns against a U-Net written out by hand, and what their laterals take."""

import dataclasses
import functools
import tempfile
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import plan, summary
from pgtf.assembly.plan_tables import costly, report
from pgtf.config import load_config
from pgtf.methods import Progressive
from pgtf.networks import Architecture
from pgtf.runs.run import Run
from tests.tiny import plan_of, tiny_run

NAMES = ("one", "two", "three")
X = np.random.default_rng(7).uniform(-1, 1, (2, 4, 8, 3)).astype("float32")


@functools.cache
def run_of(upsampling="transpose", norm="instance", side=4):
    """Three tasks of a U-Net, of two levels unless told."""
    folder = tempfile.mkdtemp()
    return Run(tiny_run(folder, NAMES, method="progressive", size=(side, side), norm=norm, upsampling=upsampling))


def by_hand(slices, upsampling):
    """The output of the last of some columns, written from the equation; its layers' inputs come from each column."""
    given = []  # Of each column: {layer: what its twins in later columns are shown}.
    for task_slice in slices:
        values, shown = task_slice.values, {}

        def convolved(name, h, strides, values=values):
            kernel = values[f"forward/{name}/unconstrained"]
            return tf.nn.conv2d(h, kernel, strides, "SAME") + values[f"forward/{name}/bias"]

        def doubled(name, h, convolved=convolved, values=values):
            if upsampling == "resize":
                return convolved(name, keras.layers.UpSampling2D(2, interpolation="bilinear")(h), 1)
            kernel = np.swapaxes(values[f"forward/{name}/unconstrained"], 2, 3)
            shape = (h.shape[0], 2 * h.shape[1], 2 * h.shape[2], kernel.shape[2])
            return tf.nn.conv2d_transpose(h, kernel, shape, 2, "SAME") + values[f"forward/{name}/bias"]

        def joined(name, h, values=values, shown=shown):
            shown[name] = h
            lateral = f"forward/{name}_lateral"
            if not given:
                return h
            side_by_side = np.concatenate([column[name] for column in given], -1)
            mixed = np.einsum("nyxi,io->nyxo", side_by_side, values[f"{lateral}/unconstrained"][0, 0])
            return h + mixed + values[f"{lateral}/bias"]

        skip = convolved("down1", X, 2)
        h = tf.nn.relu(convolved("down2", joined("down2", tf.nn.leaky_relu(skip, 0.2)), 2))
        h = doubled("up2", joined("up2", h))
        mean, variance = tf.nn.moments(h, [1, 2], keepdims=True)
        h = (h - mean) / tf.sqrt(variance + 1e-5)
        h = h * values["forward/up2_norm/gamma"] + values["forward/up2_norm/beta"]
        output = tf.tanh(doubled("output", tf.nn.relu(tf.concat([h, skip], -1))))
        given.append(shown)
    return output


def path_of(variable):
    """Returns a variable's name with its layer's; in Keras 3 the name is without."""
    return getattr(variable, "path", variable.name)


class ProgressiveTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("transpose", "resize")
    def test_three_columns_by_hand(self, upsampling):
        run = run_of(upsampling)
        slices = [run.bank.slice(index) for index in range(3)]
        for index, name in enumerate(NAMES):
            network = run[name].networks["forward"]
            self.assertAllClose(network(X), by_hand(slices[: index + 1], upsampling), atol=1e-5)

    def test_each_earlier_column_matters(self):
        run = run_of()
        network = run["three"].networks["forward"]
        (columns,) = (layer for layer in network.layers if isinstance(layer, keras.Model))
        before = network(X)
        first = [variable for variable in columns.variables if "down1" in path_of(variable)]
        for variable in first:  # The inner one's is the first task's, the other the second's.
            variable.assign_add(tf.ones_like(variable))
            self.assertNotAllClose(network(X), before, atol=1e-3)
            variable.assign_sub(tf.ones_like(variable))
        self.assertLen([variable for variable in first if len(variable.shape) == 4], 2)

    def test_each_column_runs_once(self):
        # One is inside two's columns, and those inside three's: a chain, not a tree.
        network, depth = run_of()["three"].networks["forward"], 0
        while network:
            inner = [layer for layer in network.layers if isinstance(layer, keras.Model)]
            self.assertLessEqual(len(inner), 1)
            depth, network = depth + 1, inner[0] if inner else None
        self.assertEqual(depth, 3)

    def test_each_column_is_built_once(self):
        third = run_of()["three"]
        with mock.patch.object(build, "generators", wraps=build.generators) as built:
            third.rebuilt()
        self.assertEqual(built.call_count, 3)

    def test_columns_are_frozen_and_run_as_when_they_are_played(self):
        run = run_of(norm="batch", side=8)
        config = dataclasses.replace(load_config(run.folder), discriminator_width=2, discriminator_layers=1)
        network = build.learner(plan_of(config, 3), run.bank, steps=10).generators["forward"]
        (columns,) = (layer for layer in network.layers if isinstance(layer, keras.Model))
        self.assertEmpty(columns.trainable_variables)
        before = [variable.numpy() for variable in columns.variables]
        image = np.tile(X, [1, 2, 1, 1])
        network(image, training=True)
        for variable, value in zip(columns.variables, before):  # A batch norm that learns moves its means.
            self.assertAllEqual(variable, value)
        self.assertNotEmpty([variable for variable in columns.variables if "moving_mean" in variable.name])
        played = run["three"].networks["forward"]
        twin = keras.Model(played.input, played.get_layer("down3_sum").input[0])
        self.assertAllEqual(columns(image)["down3"][..., 16:], twin(image))

    def test_folded_not_one_kernel_is_made(self):
        plain, found = layers.folded(run_of()["three"].networks["forward"]), 0
        while plain:
            self.assertEmpty([layer for layer in plain.layers if hasattr(layer, "recipe")])
            inner = [layer for layer in plain.layers if isinstance(layer, keras.Model)]
            found, plain = found + 1, inner[0] if inner else None
        self.assertEqual(found, 3)


class SizesTest(tf.test.TestCase):
    def test_by_hand(self):
        paper = Architecture("unet", (256, 256), width=64)
        found = plan((*NAMES, "four"), paper, Progressive(), ("forward",))
        # What all layers but the first and the task-specific last are given, and a bias for each of those channels.
        c_ins = [64, 128, 256, *[512] * 4, 512, *[1024] * 4, 512, 256]
        expected = [54_419_459 + sum(column * c * c + c for c in c_ins if column) for column in range(4)]
        self.assertEqual([task["values"] for task in summary(found)["tasks"]], expected)
        self.assertEmpty(costly(found))  # Laterals are no part of a full network that would be cheaper.
        row = next(line for line in report(found).splitlines() if line.startswith("forward/down2_lateral ")).split()
        self.assertEqual(row[1:], ["0", "0", "4,160", "8,256", "12,352"])


if __name__ == "__main__":
    tf.test.main()
