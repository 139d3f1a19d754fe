"""Piggyback layers in anybody's Keras model."""

import contextlib
import io
import os

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.foundation.keras_versions import IS_KERAS_3
from pgtf.layers import Conv2D, Conv2DTranspose, PiggybackConv2D, PiggybackConv2DTranspose
from pgtf.recipes import Full

C_IN, B = 3, 7
BANK = np.random.default_rng(0).normal(size=(4, 2, C_IN, B)).astype("float32")
X = np.random.default_rng(1).normal(size=(2, 6, 8, C_IN)).astype("float32")
BOTH = dict(conv=PiggybackConv2D, transpose=PiggybackConv2DTranspose)
KINDS = [dict(testcase_name=name, kind=kind) for name, kind in BOTH.items()]
KINDS_AND_WAYS = [
    dict(testcase_name=f"{name}_{way}", kind=kind, way=way)
    for name, kind in BOTH.items()
    for way in ("auto", "compose", "mix")
]
STYLES = ("sequential", "functional")


def made(kind, filters=5, **settings):
    """A layer whose every part counts: λ·5 = 2 free filters, 3 mixed ones, a bias that isn't zero."""
    settings = {"strides": 2, "padding": "same", "bias_initializer": "normal", **settings}
    return kind(filters, (4, 2), bank=BANK, unconstrained_ratio=0.4, **settings)


def model_of(style):
    """A model of both layers, one after the other or side by side, as anybody would write it."""
    if style == "sequential":
        return keras.Sequential(
            [
                keras.Input((None, None, C_IN)),
                made(PiggybackConv2D, filters=C_IN, activation="tanh", name="conv"),
                made(PiggybackConv2DTranspose, name="transpose"),
                keras.layers.Conv2D(1, 1),
            ]
        )
    image = keras.Input((None, None, C_IN))
    conv = made(PiggybackConv2D, strides=1, strategy="mix", name="conv")(image)
    transpose = made(PiggybackConv2DTranspose, strides=1, name="transpose")(image)
    return keras.Model(image, keras.layers.Conv2D(1, 1)(keras.layers.Multiply()([conv, transpose])))


def fit(model, eagerly=True):
    """One step of Adam; eagerly where the test is about something else, to save the tracing."""
    model.compile(keras.optimizers.Adam(0.05), "mse", run_eagerly=eagerly)
    model.fit(X, np.ones(model(X).shape), batch_size=2, verbose=0)


def piggyback_layers(model):
    return [model.get_layer("conv"), model.get_layer("transpose")]


class InAnyModelTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*STYLES)
    def test_fit_trains_all_but_the_bank(self, style):
        model = model_of(style)
        before = [(v.name, v.numpy()) for v in model.trainable_variables]
        fit(model, eagerly=False)
        for (name, old), variable in zip(before, model.trainable_variables):
            self.assertNotAllEqual(old, variable, name)
        for layer in piggyback_layers(model):
            self.assertAllEqual(layer.recipe.bank, BANK)
        self.assertLen(model.trainable_variables, 3 + 3 + 2)
        self.assertLen(model.non_trainable_variables, 2)

    @parameterized.named_parameters(KINDS)
    def test_the_variables_and_their_names(self, kind):
        layer = made(kind)
        layer(X)
        self.assertEqual([v.shape for v in layer.trainable_variables], [(5,), (4, 2, 3, 2), (7, 3)])
        for name in ("unconstrained", "mixing", "bank"):
            self.assertIn(name, getattr(layer.recipe, name).name)
        self.assertLen(layer.non_trainable_variables, 1)
        self.assertIs(layer.non_trainable_variables[0], layer.recipe.bank)

    def test_the_bank_stays_frozen_when_the_layer_is_thawed(self):
        model = model_of("functional")
        for layer in piggyback_layers(model):
            for target in (layer, model, layer.recipe):
                target.trainable = False
                self.assertEmpty(layer.recipe.trainable_variables)
                target.trainable = True
                self.assertLen(layer.trainable_variables, 3)
                self.assertFalse(layer.recipe.bank.trainable)
                self.assertNotIn(id(layer.recipe.bank), map(id, model.trainable_variables))
        fit(model)
        for layer in piggyback_layers(model):
            self.assertAllEqual(layer.recipe.bank, BANK)

    def test_a_frozen_layer_does_not_change(self):
        model = model_of("functional")
        frozen = model.get_layer("transpose")
        frozen.trainable = False
        before, beside = frozen.get_weights(), model.get_layer("conv").recipe.mixing.numpy()
        fit(model)
        for old, new in zip(before, frozen.get_weights()):
            self.assertAllEqual(old, new)
        self.assertNotAllEqual(beside, model.get_layer("conv").recipe.mixing)

    @parameterized.named_parameters(KINDS)
    def test_summary_counts_what_is_trained_and_what_is_borrowed(self, kind):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            model = keras.Sequential([keras.Input((8, 8, C_IN)), made(kind, name="my_layer")])
            model.summary()
        trained, borrowed = 4 * 2 * 3 * 2 + 7 * 3 + 5, 4 * 2 * 3 * 7
        for part in ("my_layer", f"Trainable params: {trained} ", f"Non-trainable params: {borrowed} "):
            self.assertIn(part, text.getvalue())

    @parameterized.named_parameters(KINDS)
    def test_config_round_trip(self, kind):
        settings = dict(strides=(2, 1), padding="valid", activation="tanh", use_bias=False, strategy="mix", name="mine")
        layer = made(kind, kernel_initializer="he_normal", **settings)
        config = layer.get_config()
        again = kind.from_config(config)
        self.assertEqual(again.get_config(), config)
        self.assertEqual((again.name, again.strides, again.padding, again.use_bias), ("mine", (2, 1), "valid", False))
        self.assertEqual((again.recipe.ratio, again.recipe.strategy), (0.4, "mix"))
        self.assertIsInstance(again.recipe.initializer, keras.initializers.HeNormal)
        layer.build(X.shape)
        again.build(X.shape)
        self.assertNotAllEqual(layer(X), again(X))
        again.set_weights(layer.get_weights())
        self.assertAllEqual(layer(X), again(X))

    @parameterized.parameters(*STYLES)
    def test_a_trained_model_cloned_by_its_config(self, style):
        model = model_of(style)
        fit(model)
        for clone in (model.from_config(model.get_config()), keras.models.clone_model(model)):
            clone.set_weights(model.get_weights())
            self.assertAllEqual(clone(X), model(X))
        fit(clone)
        self.assertNotAllEqual(clone(X), model(X))
        for layer in piggyback_layers(clone):
            self.assertAllEqual(layer.recipe.bank, BANK)

    @parameterized.parameters(*STYLES)
    def test_a_trained_model_saved_as_keras_file(self, style):
        model = model_of(style)
        fit(model)
        path = self.create_tempfile("model.keras").full_path
        model.save(path)
        loaded = keras.models.load_model(path)
        self.assertAllEqual(loaded(X), model(X))
        self.assertEqual([type(layer) for layer in loaded.layers], [type(layer) for layer in model.layers])
        # The optimizer came along: one more step leads to the same place.
        for each in (model, loaded):
            each.fit(X, np.ones(model(X).shape), batch_size=2, verbose=0)
        self.assertAllClose(loaded(X), model(X), atol=1e-5)
        for layer in piggyback_layers(loaded):
            self.assertAllEqual(layer.recipe.bank, BANK)

    @parameterized.parameters(*STYLES)
    def test_a_trained_model_saved_as_savedmodel(self, style):
        model = model_of(style)
        fit(model)
        folder = os.path.join(self.create_tempdir().full_path, "mine")
        if IS_KERAS_3:
            model.export(folder, verbose=False)
        else:
            model.save(folder, save_format="tf")
            self.check_revived(keras.models.load_model(folder), model)
        served = tf.saved_model.load(folder).signatures["serving_default"]
        for x in (X, X[:1, :, :4]):  # The batch and the sizes stay open.
            self.assertAllClose(next(iter(served(tf.constant(x)).values())), model(x), atol=1e-5)

    def check_revived(self, revived, model):
        self.assertAllClose(revived(X), model(X), atol=1e-5)
        for layer in piggyback_layers(revived):
            self.assertFalse(layer.recipe.bank.trainable)

    @parameterized.named_parameters(KINDS_AND_WAYS)
    def test_unknown_batch_and_image_size(self, kind, way):
        image = keras.Input((None, None, C_IN))
        layer = made(kind, strategy=way)
        model = keras.Model(image, layer(image))
        self.assertEqual(model.output_shape, (None, None, None, 5))
        for shape in ((1, 6, 8), (3, 10, 4)):
            x = np.random.default_rng(2).normal(size=(*shape, C_IN)).astype("float32")
            self.assertEqual(model(x).shape, layer.compute_output_shape(x.shape))
            self.assertAllClose(model(x), layer(x), atol=1e-5)

    @parameterized.named_parameters(KINDS_AND_WAYS)
    def test_inside_a_function_of_unknown_shapes(self, kind, way):
        layer = made(kind, strategy=way)
        layer.build(X.shape)

        @tf.function(input_signature=[tf.TensorSpec([None, None, None, C_IN])])
        def call(x):
            y = layer(x)
            self.assertEqual(y.shape.as_list(), [None, None, None, 5])
            return y

        for x in (X, X[:1, :4, :6]):
            self.assertAllClose(call(x), layer(x), atol=1e-5)

    @parameterized.named_parameters(KINDS)
    def test_the_kernel_is_in_kerass_own_layout(self, kind):
        layer = made(kind, strides=2)
        y = layer(X)
        if kind is PiggybackConv2D:
            self.assertEqual(layer.kernel.shape, (4, 2, C_IN, 5))
            plain = keras.layers.Conv2D(5, (4, 2), 2, "same")
        else:
            self.assertEqual(layer.kernel.shape, (4, 2, 5, C_IN))
            plain = keras.layers.Conv2DTranspose(5, (4, 2), 2, "same")
        plain.build(X.shape)
        plain.set_weights([layer.kernel, layer.bias])
        self.assertAllClose(plain(X), y, atol=1e-5)

    @parameterized.product(
        kind=[PiggybackConv2D, PiggybackConv2DTranspose],
        policy_of=[("mixed_float16", "layer"), ("mixed_float16", "all"), ("mixed_bfloat16", "all")],
        way=["auto", "mix"],
    )
    def test_half_precision(self, kind, policy_of, way):
        policy, globally = policy_of[0], policy_of[1] == "all"
        exact = made(kind, strategy=way)
        expected = exact(X).numpy()
        if globally:
            keras.mixed_precision.set_global_policy(policy)
        try:
            layer = made(kind, strategy=way, dtype=None if globally else policy)
            layer.build(X.shape)
            layer.set_weights(exact.get_weights())
            with tf.GradientTape() as tape:
                y = layer(X)
                loss = tf.reduce_sum(tf.cast(y, "float32") ** 2)
        finally:
            keras.mixed_precision.set_global_policy("float32")
        self.assertEqual(y.dtype.name, policy[len("mixed_") :])
        self.assertNotAllEqual(tf.cast(y, "float32"), expected)
        self.assertAllClose(tf.cast(y, "float32"), expected, atol=0.03 * np.abs(expected).max())
        for variable, gradient in zip(layer.trainable_variables, tape.gradient(loss, layer.trainable_variables)):
            self.assertEqual((variable.numpy().dtype.name, gradient.dtype.name), ("float32", "float32"))
            self.assertGreater(np.abs(gradient).max(), 0)

    def test_fit_in_half_precision_keeps_the_bank(self):
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
        try:
            model = model_of("functional")
            before = model.get_layer("conv").recipe.mixing.numpy()
            fit(model, eagerly=False)
        finally:
            keras.mixed_precision.set_global_policy("float32")
        self.assertNotAllEqual(model.get_layer("conv").recipe.mixing, before)
        for layer in piggyback_layers(model):
            self.assertAllEqual(layer.recipe.bank, BANK)

    @parameterized.named_parameters(KINDS)
    def test_two_layers_of_one_bank_share_no_state(self, kind):
        one, other = made(kind), made(kind)
        one.build(X.shape)
        other.build(X.shape)
        one.recipe.bank.assign(tf.zeros_like(BANK))
        self.assertAllEqual(other.recipe.bank, BANK)

    @parameterized.named_parameters(KINDS)
    def test_the_bank_is_a_copy(self, kind):
        bank = BANK.copy()
        layer = kind(5, (4, 2), bank=bank)
        layer.build(X.shape)
        bank[...] = 0
        self.assertAllEqual(layer.recipe.bank, BANK)

    @parameterized.named_parameters(KINDS)
    def test_the_layer_begins_as_its_start_says(self, kind):
        places = [6, 0, 3, 5, 1]
        layer = kind(5, (4, 2), bank=BANK, unconstrained_ratio=0.4, start=np.eye(B)[:, places])
        layer.build(X.shape)
        begun = BANK[..., places]
        self.assertAllEqual(layer.kernel, begun if kind is PiggybackConv2D else begun.transpose(0, 1, 3, 2))


class SignatureTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (Conv2D, (5, 3, (2, 1), "same", "channels_last", (1, 1), 1, "tanh", False)),
        (Conv2DTranspose, (5, 3, 2, "same", (1, 0), "channels_last", (1, 1), "tanh", False)),
    )
    def test_takes_kerass_positional_arguments(self, kind, arguments):
        layer, plain = kind(*arguments), getattr(keras.layers, kind.__name__)(*arguments)
        y = plain(X)
        layer.build(X.shape)
        kernel = plain.get_weights()[0]
        if isinstance(layer, Conv2DTranspose):
            kernel = kernel.transpose(0, 1, 3, 2)
        layer.recipe.restore({"unconstrained": kernel})
        self.assertAllClose(layer(X), y, atol=1e-5)
        self.assertEqual(layer.compute_output_shape(X.shape), y.shape)

    @parameterized.parameters(
        # padding, strides, output_padding, kernel
        ("same", 1, None, (2, 3)),
        ("same", (2, 1), None, (4, 5)),
        ("same", 3, None, (3, 1)),
        ("same", 2, 1, (3, 5)),
        ("same", (2, 3), (0, 2), (3, 5)),
        ("valid", 2, None, (2, 5)),
        ("valid", 3, None, (4, 1)),
        ("valid", (3, 2), (2, 1), (3, 5)),
    )
    def test_a_transposed_convolution_has_kerass_sizes(self, padding, strides, output_padding, kernel):
        settings = dict(strides=strides, padding=padding, output_padding=output_padding)
        layer, plain = Conv2DTranspose(2, kernel, **settings), keras.layers.Conv2DTranspose(2, kernel, **settings)
        y = plain(X)
        layer.build(X.shape)
        layer.recipe.restore({"unconstrained": plain.get_weights()[0].transpose(0, 1, 3, 2)})
        self.assertAllClose(layer(X), y, atol=1e-5)

    @parameterized.named_parameters(KINDS)
    def test_takes_strides_and_padding_where_keras_does(self, kind):
        layer = kind(5, (4, 2), (2, 1), "same", bank=BANK)
        self.assertEqual((layer.strides, layer.padding), ((2, 1), "same"))

    @parameterized.named_parameters(KINDS)
    def test_takes_what_keras_takes_by_name(self, kind):
        settings = dict(
            strides=1,
            activation="relu",
            bias_regularizer="l2",
            bias_constraint="non_neg",
            activity_regularizer="l1",
            trainable=False,
            name="mine",
        )
        layer, plain = made(kind, **settings), keras.layers.Conv2D(5, (4, 2), **settings)
        layer(X), plain(X)
        self.assertLen(layer.losses, len(plain.losses))  # Keras 3 leaves out those of frozen variables.
        self.assertEmpty(layer.trainable_variables)

    def test_dilation(self):
        layer = made(PiggybackConv2D, strides=1, dilation_rate=(1, 2))
        y = layer(X)
        self.assertAllClose(y - layer.bias, tf.nn.conv2d(X, layer.kernel, 1, "SAME", dilations=(1, 2)), atol=1e-5)


class RegularizersAndConstraintsTest(tf.test.TestCase, parameterized.TestCase):
    """model.fit makes of them what it makes of Keras's own layers."""

    SETTINGS = dict(
        kernel_regularizer=keras.regularizers.L2(0.3),
        bias_regularizer=keras.regularizers.L1(0.2),
        activity_regularizer=keras.regularizers.L2(0.1),
        kernel_constraint="non_neg",
        bias_constraint="non_neg",
        bias_initializer="ones",
    )

    @parameterized.parameters((Conv2D, keras.layers.Conv2D), (Conv2DTranspose, keras.layers.Conv2DTranspose))
    def test_of_a_free_kernel(self, kind, stock):
        ours, plain = (layer(5, (4, 2), strides=2, **self.SETTINGS) for layer in (kind, stock))
        ours.build(X.shape)
        plain.build(X.shape)
        plain.set_weights([np.asarray(ours.kernel), np.asarray(ours.bias)])
        losses = [self.fit(layer) for layer in (ours, plain)]
        self.assertAllClose(*losses, rtol=1e-5)
        self.assertAllClose(ours.kernel, plain.kernel, atol=1e-6)
        self.assertAllClose(ours.bias, plain.bias, atol=1e-6)
        self.assertAllGreaterEqual(ours.kernel, 0)

    @parameterized.named_parameters(KINDS)
    def test_of_a_piggyback_layers_bias_and_activity(self, kind):
        names = ("bias_regularizer", "activity_regularizer", "bias_constraint", "bias_initializer")
        layer = made(kind, **{name: self.SETTINGS[name] for name in names})
        y = layer(X).numpy()
        # The bias is five ones; a batch pays for its activities by the image.
        expected = np.mean((y - 1) ** 2) + 0.2 * 5 + 0.1 * np.sum(y**2) / len(X)
        self.assertAllClose(self.fit(layer)[0], expected, rtol=1e-5)
        self.assertNotAllEqual(layer.bias, np.ones(5))

    @parameterized.named_parameters(KINDS)
    def test_a_bias_that_only_its_regularizer_moves(self, kind):
        layer = made(kind, bias_regularizer=keras.regularizers.L2(0.5), bias_initializer="ones")
        self.fit(layer, target=layer(X), steps=1)
        # Where the target is met, 1 - 0.1 · 2 · 0.5 is left.
        self.assertAllClose(layer.bias, np.full(5, 0.9), atol=1e-5)

    def fit(self, layer, target=None, steps=2):
        """The losses of some steps of plain descent."""
        model = keras.Sequential([layer])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        target = tf.ones_like(layer(X)) if target is None else target
        return [model.train_on_batch(X, target) for _ in range(steps)]


def shaped(*shape):
    return np.ones(shape, "float32")


class RefusedTest(tf.test.TestCase, parameterized.TestCase):
    """Each refusal says the rule, then what it received."""

    @parameterized.product(
        kind=[PiggybackConv2D, PiggybackConv2DTranspose],
        case=[
            (dict(filters=6, groups=3), "needs groups=1 and data_format='channels_last'. Received: groups=3"),
            (dict(data_format="channels_first"), "data_format='channels_last'. Received: .*'channels_first'"),
            (dict(bank=None), r"needs a bank \[height, width, c_in, filters\]. Received: None"),
            (dict(bank=shaped(4, 3, 7)), r"must be \[height, width, c_in, filters >= 1\]. Received: \(4, 3, 7\)"),
            (dict(bank=shaped(4, 2, 3, 0)), r"filters >= 1\]. Received: \(4, 2, 3, 0\)"),
            (dict(unconstrained_ratio=-0.01), r"ratio, must lie in \[0, 1\]. Received: -0.01"),
            (dict(unconstrained_ratio=1.5), r"ratio, must lie in \[0, 1\]. Received: 1.5"),
            (dict(unconstrained_ratio=float("nan")), r"ratio, must lie in \[0, 1\]. Received: nan"),
            (
                dict(start="first_task"),
                r"must be a mixing \[bank's filters, kernel's filters\].*Received: 'first_task'",
            ),
            (dict(start=np.eye(6, 5)), r"`start` must be a mixing .*\[7, .*Received: \[6, 5\]"),
            (dict(strategy="fast"), "must be 'auto', 'compose' or 'mix'. Received: 'fast'"),
            (dict(kernel_regularizer="l2"), "need a kernel that is a variable.*Received: recipe=Piggyback"),
            (dict(kernel_constraint="non_neg"), "need a kernel that is a variable.*Received: recipe=Piggyback"),
            (dict(recipe="piggyback"), "must be a pgtf.recipes.Recipe. Received: 'piggyback'"),
            (
                dict(recipe=Full(), dtype="mixed_bfloat16"),
                "the same dtype policy. Received: mixed_bfloat16 and float32",
            ),
        ],
    )
    def test_by_the_constructor(self, kind, case):
        settings, message = case
        with self.assertRaisesRegex(ValueError, message):
            kind(**{"filters": 5, "kernel_size": (4, 2), "bank": BANK, **settings})

    def test_a_dilated_transposed_convolution(self):
        with self.assertRaisesRegex(ValueError, r"must be 1. Received: \(1, 2\)"):
            made(PiggybackConv2DTranspose, strides=1, dilation_rate=(1, 2))

    @parameterized.product(
        kind=[PiggybackConv2D, PiggybackConv2DTranspose],
        case=[
            ((2, 4, C_IN, B), X.shape, r"and input channels: \(4, 2, 3\). Received: a bank \(2, 4, 3, 7\)"),
            ((4, 2, 5, B), X.shape, r"\(4, 2, 3\). Received: a bank \(4, 2, 5, 7\)"),
            ((4, 2, C_IN, B), (None, None, None, 4), r"\(4, 2, 4\). Received: a bank \(4, 2, 3, 7\)"),
            ((4, 2, C_IN, B), (2, 8, C_IN), r"\[batch, height, width, channels\].*Received: \(2, 8, 3\)"),
            ((4, 2, C_IN, B), (2, 8, 8, None), r"with known channels. Received: \(2, 8, 8, None\)"),
        ],
    )
    def test_when_it_is_built(self, kind, case):
        bank, input_shape, message = case
        with self.assertRaisesRegex(ValueError, message):
            kind(5, (4, 2), bank=shaped(*bank)).build(input_shape)

    @parameterized.named_parameters(KINDS)
    def test_a_start_of_other_filters_than_the_layers(self, kind):
        with self.assertRaisesRegex(ValueError, r"`start` must be a mixing .*: \[7, 5\]. Received: \[7, 4\]"):
            kind(5, (4, 2), bank=BANK, start=np.eye(7, 4)).build(X.shape)

    @parameterized.named_parameters(KINDS)
    def test_an_input_of_other_channels_once_built(self, kind):
        layer = made(kind)
        layer(X)
        with self.assertRaisesRegex(ValueError, "expected axis -1 of input shape to have value 3"):
            layer(X[..., :2])


if __name__ == "__main__":
    tf.test.main()
