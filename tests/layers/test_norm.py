"""Instance normalization against plain numpy."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import InstanceNormalization
from pgtf.layers.norm import KerasInstanceNormalization

# Every image and channel has a mean and a spread of its own, so that pooling over a wrong axis shows.
SCALES = np.array([0.1, 1, 5])[:, None, None, None] * np.array([1, 3])
X = (np.random.default_rng(0).normal(size=(3, 4, 7, 2)) * SCALES + 2 * SCALES).astype("float32")
GAMMA, BETA = np.array([0.5, -2], "float32"), np.array([1, 10], "float32")


def normalized(x, epsilon=1e-5):
    x = np.asarray(x, "float64")
    centred = x - x.mean((1, 2), keepdims=True)
    return GAMMA * centred / np.sqrt((centred**2).mean((1, 2), keepdims=True) + epsilon) + BETA


def layer_for(x, **settings):
    layer = InstanceNormalization(**settings)
    layer.build(x.shape)
    layer.set_weights([GAMMA, BETA])
    return layer


class InstanceNormalizationTest(tf.test.TestCase, parameterized.TestCase):
    def test_is_numpys(self):
        self.assertAllClose(layer_for(X)(X), normalized(X), atol=1e-4, rtol=1e-4)

    def test_starts_as_gamma_1_beta_0(self):
        layer = InstanceNormalization()
        y = layer(X)
        self.assertEqual(
            [(v.name.split("/")[-1].split(":")[0], v.shape[0]) for v in layer.weights], [("gamma", 2), ("beta", 2)]
        )
        self.assertAllClose(np.mean(y, (1, 2)), np.zeros((3, 2)), atol=1e-5)
        self.assertAllClose(np.std(y, (1, 2)), np.ones((3, 2)), atol=1e-3)

    def test_the_epsilon_is_1e_5(self):
        # With a variance of 1e-5, one that is as large halves it; tensorflow-addons' own 1e-3 would leave 1 %.
        x = np.array([-1, 1], "float32").reshape(1, 1, 2, 1) * np.sqrt(1e-5)
        self.assertAllClose(tf.reshape(InstanceNormalization()(x), [-1]), [-(0.5**0.5), 0.5**0.5], atol=1e-4)

    def test_one_pixel_is_zero(self):
        self.assertAllEqual(InstanceNormalization()(X[:, :1, :1]), np.zeros((3, 1, 1, 2)))

    @parameterized.parameters(("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16"))
    def test_half_precision_comes_out_but_float32_is_computed(self, policy, dtype):
        # A mean of 4 pixels of 40000 overflows float16 in the sum; in bfloat16, 300 and 301 are the same number.
        x = np.array([[300, 301], [302, 303]], "float32").reshape(1, 2, 2, 1) * np.array([1, 100], "float32")
        keras.mixed_precision.set_global_policy(policy)
        try:
            layer = layer_for(x)
            y = layer(x)
        finally:
            keras.mixed_precision.set_global_policy("float32")
        self.assertEqual(y.dtype.name, dtype)
        self.assertEqual({v.numpy().dtype.name for v in layer.weights}, {"float32"})
        self.assertAllClose(tf.cast(y, "float32"), normalized(x), atol=0.05)

    def test_unknown_sizes(self):
        image = keras.Input((None, None, 2))
        layer = layer_for(X)
        model = keras.Model(image, layer(image))
        self.assertEqual(model.output_shape, (None, None, None, 2))
        for x in (X, X[:1, :3]):
            self.assertAllClose(model(x), normalized(x), atol=1e-4, rtol=1e-4)

    def test_config_and_file_round_trip(self):
        settings = dict(epsilon=0.1, output_dtype="float16", name="mine")
        layer = InstanceNormalization(**settings)
        again = InstanceNormalization.from_config(layer.get_config())
        self.assertEqual(again.get_config(), layer.get_config())
        self.assertEqual((again.epsilon, again.output_dtype, again.name), (0.1, "float16", "mine"))
        model = keras.Sequential([keras.Input((None, None, 2)), layer_for(X, **settings)])
        path = self.create_tempfile("model.keras").full_path
        model.save(path)
        self.assertAllEqual(keras.models.load_model(path)(X), model(X))
        self.assertAllClose(tf.cast(model(X), "float32"), normalized(X, 0.1), atol=0.02)

    def test_the_stand_in_is_tensorflow_addons(self):
        try:
            from tensorflow_addons.layers import InstanceNormalization as Theirs
        except ImportError:
            self.skipTest("tensorflow-addons is not installed")

        class Ours(KerasInstanceNormalization):
            def call(self, x):
                return self._apply_normalization(x, x.shape)

        found = []
        for layer in (Theirs(epsilon=0.1), Ours(epsilon=0.1)):
            layer.build(X.shape)
            layer.set_weights([GAMMA, BETA])
            x = tf.constant(X)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
                loss = tf.reduce_sum(y**2 * X)
            found.append([y, *tape.gradient(loss, [x, *layer.trainable_variables])])
        for theirs, ours in zip(*found):
            self.assertAllClose(ours, theirs, rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    tf.test.main()
