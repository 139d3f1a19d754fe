"""Checks the output shapes that layers compute against their outputs."""

import keras
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.layers.known_shape import KnownShape

LAYERS = {
    "conv": lambda dtype: layers.Conv2D(5, 3, 2, dtype=dtype),
    "dilated": lambda dtype: layers.Conv2D(5, 3, dilation_rate=2, padding="same", dtype=dtype),
    "transposed": lambda dtype: layers.Conv2DTranspose(5, 4, 2, "same", dtype=dtype),
    "transposed_more": lambda dtype: layers.Conv2DTranspose(5, 3, 2, "same", output_padding=1, dtype=dtype),
    "norm": lambda dtype: layers.InstanceNormalization(output_dtype=dtype),
    "dropout": lambda dtype: layers.Dropout(0.5, dtype=dtype),
    "padding": lambda dtype: layers.ReflectionPadding2D(2, dtype=dtype),
}


class Unrun(KnownShape):
    """A layer that may be built and may not be run."""

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(shape[-1],))
        super().build(shape)

    def call(self, x):
        raise AssertionError("run")

    def compute_output_shape(self, shape):
        return tf.TensorShape(shape)


class ShapedTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(name=list(LAYERS), dtype=("float32", "float16"), sizes=((8, 6), (None, 6)))
    def test_it_makes_what_it_says(self, name, dtype, sizes):
        layer = LAYERS[name](dtype)
        said = layer(keras.Input((*sizes, 3), dtype=dtype))
        made = layer(tf.zeros((2, 8, 6, 3), dtype))
        self.assertEqual(said.dtype, made.dtype)
        known = [size for size in said.shape if size is not None]
        self.assertEqual(known, [size for size, ours in zip(made.shape, said.shape) if ours is not None])
        self.assertEqual(said.shape[2:], made.shape[2:])
        self.assertEqual(None in said.shape[1:], None in sizes)

    def test_a_network_is_built_without_running_it(self):
        image = keras.Input((4, 4, 3))
        model = keras.Model(image, Unrun(name="unrun")(image))
        self.assertEqual(model.count_params(), 3)
        self.assertEqual(model.weights[0].name.split(":")[0].split("/")[-1], "scale")
        with self.assertRaisesRegex(AssertionError, "run"):
            model(tf.zeros((1, 4, 4, 3)))

    def test_a_loss_of_what_comes_out_counts(self):
        image = keras.Input((4, 4, 3))
        layer = layers.Conv2D(2, 1, bias_initializer="ones", activity_regularizer=keras.regularizers.L1(0.5))
        model = keras.Model(image, layer(image))
        model(tf.zeros((1, 4, 4, 3)))
        self.assertAllClose(model.losses, [0.5 * 4 * 4 * 2])


if __name__ == "__main__":
    tf.test.main()
