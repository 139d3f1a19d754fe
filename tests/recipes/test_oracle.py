"""pgtf's layers against the oracle: the paper's equations in numpy, written without seeing pgtf.

The inputs are chosen so that no axis can be swapped or shuffled unseen: height, width, c_in, c_out
and bank size all differ, and one of the two mixings permutes the bank by a cycle, which is not its
own transpose.
"""

import itertools
from typing import Any, Callable, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import Conv2D, Conv2DTranspose, PiggybackConv2D, PiggybackConv2DTranspose
from pgtf.recipes import Full, Piggyback
from tests.recipes import oracle

HEIGHT, WIDTH, C_IN, C_OUT = 6, 7, 3, 8
RATIOS = [0, 1 / 8, 1 / 4, 1 / 2, 1]
TASKS = [1, 2, 5]
STRATEGIES = ["compose", "mix", "auto"]


class Kind(NamedTuple):
    """One of the two convolutions: what pgtf, Keras and the oracle call it."""

    piggyback: type
    plain: type
    stock: type
    oracle: Callable

    def keras_layout(self, kernel):
        """`kernel` `[h, w, c_in, c_out]` with its axes in the order of Keras's own layer."""
        transposed = self.stock is keras.layers.Conv2DTranspose
        return np.transpose(kernel, [0, 1, 3, 2]) if transposed else np.asarray(kernel)


KINDS = {
    "conv": Kind(PiggybackConv2D, Conv2D, keras.layers.Conv2D, oracle.conv),
    "transposed": Kind(PiggybackConv2DTranspose, Conv2DTranspose, keras.layers.Conv2DTranspose, oracle.conv_transpose),
}


def setUpModule():
    # Where a GPU is found: its TF32 keeps 10 bits of a factor, too few for these tolerances.
    tf.config.experimental.enable_tensor_float_32_execution(False)


def tearDownModule():
    tf.config.experimental.enable_tensor_float_32_execution(True)


class Case(NamedTuple):
    """One layer: its convolution, its ratio, and how many tasks have filled its bank."""

    kind: str
    kernel_size: Any
    strides: int
    padding: str
    ratio: float
    tasks: int

    @property
    def unconstrained(self):
        # Every ratio in RATIOS makes lambda * 8 a whole number; rounding has a test of its own.
        return int(self.ratio * C_OUT)

    def bank_slices(self, rng):
        """Draws the filters of each task in the bank: all of the first task, lambda * c_out of each other."""
        sizes = [C_OUT] + [self.unconstrained] * (self.tasks - 1)
        return [_normal(rng, *self.kernel_size, C_IN, size) for size in sizes]

    def layer(self, slices, strategy="auto", **arguments):
        layer = KINDS[self.kind].piggyback(
            C_OUT,
            self.kernel_size,
            bank=np.concatenate(slices, axis=-1),
            unconstrained_ratio=self.ratio,
            strategy=strategy,
            strides=self.strides,
            padding=self.padding,
            **arguments,
        )
        layer.build((2, HEIGHT, WIDTH, C_IN))
        return layer

    def answer(self, x, kernel):
        return KINDS[self.kind].oracle(x, kernel, self.strides, self.padding)


class Stored(NamedTuple):
    """Arrays that a task stores for one layer."""

    mixing: np.ndarray
    unconstrained: np.ndarray
    bias: np.ndarray

    def fill(self, layer):
        _fill(getattr(layer.recipe, "mixing", None), self.mixing)
        _fill(getattr(layer.recipe, "unconstrained", None), self.unconstrained)
        _fill(layer.bias, self.bias)


def _fill(variable, value):
    # A layer may do without a variable that would hold nothing.
    if variable is None and value.size == 0:
        return
    assert tuple(variable.shape) == value.shape, f"{tuple(variable.shape)} is not {value.shape}"
    variable.assign(value)


def _normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def _dense(rng, bank_size, piggyback):
    return _normal(rng, bank_size, piggyback) / np.float32(np.sqrt(bank_size))


def _cycle(bank_size, piggyback, first=3):
    """Piggyback filter j copies filter j + first of the bank, counted round it."""
    columns = np.arange(piggyback)
    mixing = np.zeros([bank_size, piggyback], np.float32)
    mixing[(columns + first) % bank_size, columns] = 1
    return mixing


def _drawn(case, mixing="dense"):
    """A map, bank slices and stored values for `case`, the same at every call."""
    rng = np.random.default_rng(7)
    slices = case.bank_slices(rng)
    bank_size = sum(each.shape[-1] for each in slices)
    piggyback = C_OUT - case.unconstrained
    stored = Stored(
        _dense(rng, bank_size, piggyback) if mixing == "dense" else _cycle(bank_size, piggyback),
        _normal(rng, *case.kernel_size, C_IN, case.unconstrained),
        _normal(rng, C_OUT),
    )
    return _normal(rng, 2, HEIGHT, WIDTH, C_IN), slices, stored


def _named(cases):
    return [("_".join(str(part).replace(" ", "") for part in case), case) for case in cases]


def _convolutions():
    """Every kind, kernel, stride and padding; ratios and tasks take turns."""
    sizes = [(1, 1), (3, 3), (5, 5), (3, 5), (4, 4)]
    product = itertools.product(KINDS, sizes, [1, 2], ["same", "valid"])
    for index, convolution in enumerate(product):
        yield Case(*convolution, RATIOS[index % 5], TASKS[index % 3])


def _mixtures(**changes):
    """Every kind, ratio and number of tasks, for one kernel that is not square."""
    product = itertools.product(KINDS, RATIOS, TASKS)
    cases = [Case(kind, (5, 3), 2, "same", *mixture) for kind, *mixture in product]
    return dict.fromkeys(case._replace(**changes) for case in cases)


class PiggybackTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*_named([*_convolutions(), *_mixtures(tasks=3)]))
    def test_output_is_the_oracles(self, case):
        _, slices, _ = _drawn(case)
        layers = {strategy: case.layer(slices, strategy) for strategy in STRATEGIES}
        for mixing in ["dense", "cycle"]:
            x, slices, stored = _drawn(case, mixing)
            kernel = oracle.made_kernel(slices, stored.mixing, stored.unconstrained)
            expected = case.answer(x, kernel) + stored.bias
            for strategy, layer in layers.items():
                stored.fill(layer)
                self.assertAllClose(layer(x), expected, 1e-4, 1e-4, f"{strategy}, {mixing}")

    @parameterized.named_parameters(*_named(_mixtures()))
    def test_kernel_is_eq_5(self, case):
        for mixing in ["dense", "cycle"]:
            _, slices, stored = _drawn(case, mixing)
            layer = case.layer(slices)
            stored.fill(layer)
            expected = oracle.made_kernel(slices, stored.mixing, stored.unconstrained)
            self.assertAllClose(layer.recipe.kernel(), expected, 1e-5, 1e-5)
            in_keras_order = KINDS[case.kind].keras_layout(expected)
            self.assertAllClose(layer.kernel, in_keras_order, 1e-5, 1e-5)

    @parameterized.named_parameters(*_named(case for case in _convolutions() if case.kernel_size in [(3, 5), (4, 4)]))
    def test_gradients_are_the_oracles(self, case):
        x, slices, stored = _drawn(case)
        rng = np.random.default_rng(11)
        kernel = oracle.made_kernel(slices, stored.mixing, stored.unconstrained)
        cotangent = _normal(rng, *case.answer(x, kernel).shape)
        found = {strategy: self._gradients(case, strategy, cotangent) for strategy in STRATEGIES}

        # The layer is linear in each of its inputs by itself. So the gradient along a direction
        # is the answer to that direction, weighed by the cotangent: no calculus is needed.
        direction = {
            "x": _normal(rng, *x.shape),
            "mixing": _dense(rng, *stored.mixing.shape),
            "unconstrained": _normal(rng, *stored.unconstrained.shape),
            "bias": _normal(rng, C_OUT),
        }
        no_mixing, no_filters = np.zeros_like(stored.mixing), np.zeros_like(stored.unconstrained)
        moved = {
            "x": case.answer(direction["x"], kernel),
            "mixing": case.answer(x, oracle.made_kernel(slices, direction["mixing"], no_filters)),
            "unconstrained": case.answer(x, oracle.made_kernel(slices, no_mixing, direction["unconstrained"])),
            "bias": np.broadcast_to(direction["bias"], cotangent.shape),
        }
        for strategy, gradients in found.items():
            for name, gradient in gradients.items():
                along = np.sum(gradient * direction[name])
                expected = np.sum(moved[name] * cotangent)
                self.assertAllClose(along, expected, 1e-4, 1e-3, f"{name}, {strategy}")
                self.assertAllClose(gradient, found["compose"][name], 1e-4, 1e-4, f"{name}, {strategy}")

    def _gradients(self, case, strategy, cotangent):
        """{name: gradient} of sum(layer(x) * cotangent), for all that is not empty."""
        x, slices, stored = _drawn(case)
        layer = case.layer(slices, strategy)
        stored.fill(layer)
        sources = {"x": tf.constant(x), "bias": layer.bias}
        for name in ["mixing", "unconstrained"]:
            if getattr(stored, name).size:
                sources[name] = getattr(layer.recipe, name)
        with tf.GradientTape() as tape:
            tape.watch(sources["x"])
            loss = tf.reduce_sum(layer(sources["x"]) * cotangent)
        gradients = tape.gradient(loss, sources)
        return {name: gradient.numpy() for name, gradient in gradients.items()}

    @parameterized.named_parameters(*_named(_mixtures(kernel_size=(4, 5), tasks=5)))
    def test_only_piggyback_filters_lie_in_the_span_of_the_bank(self, case):
        # A filter has 4 * 5 * 3 = 60 values, and the largest bank 40 filters: it spans not all.
        _, slices, stored = _drawn(case)
        layer = case.layer(slices)
        stored.fill(layer)
        bank = np.concatenate(slices, axis=-1)
        residual = oracle.span_residual(layer.recipe.kernel().numpy(), bank)
        self.assertLen(residual, C_OUT)
        self.assertTrue(np.all(residual[case.unconstrained :] < 1e-5), residual)
        self.assertTrue(np.all(residual[: case.unconstrained] > 0.1), residual)

    @parameterized.named_parameters(*_named(_mixtures(tasks=5)))
    def test_what_is_learnt_is_what_the_paper_counts(self, case):
        _, slices, stored = _drawn(case)
        layer = case.layer(slices)
        count = sum(int(np.prod(variable.shape)) for variable in layer.trainable_variables)
        # s_w * s_h * c_in * lambda * c_out + B * (1 - lambda) * c_out (section 3.3), and a bias.
        self.assertEqual(count, 5 * 3 * C_IN * case.unconstrained + stored.mixing.size + C_OUT)

    @parameterized.product(kind=list(KINDS), strategy=STRATEGIES)
    def test_training_leaves_the_bank_alone(self, kind, strategy):
        case = Case(kind, (3, 4), 2, "same", 1 / 4, 2)
        x, slices, stored = _drawn(case)
        layer = case.layer(slices, strategy)
        stored.fill(layer)
        optimizer = keras.optimizers.SGD(0.1)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x) ** 2)
        variables = layer.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        self.assertAllEqual(layer.recipe.bank, np.concatenate(slices, axis=-1))
        self.assertFalse(layer.recipe.bank.trainable)
        for variable, before in zip([layer.recipe.mixing, layer.recipe.unconstrained, layer.bias], stored):
            self.assertNotAllClose(variable, before)

    @parameterized.product(kind=list(KINDS), ratio=RATIOS, tasks=[1, 5])
    def test_is_born_as_the_filters_that_its_start_copies(self, kind, ratio, tasks):
        # As the first task's filters in their order, and as others of the bank in another: a start that is shuffled, or
        # read as its own transpose, shows.
        case = Case(kind, (3, 4), 2, "same", ratio, tasks)
        x, slices, _ = _drawn(case)
        bank = np.concatenate(slices, axis=-1)
        copies = {0: slices[0], 3: bank[..., (np.arange(C_OUT) + 3) % bank.shape[-1]]}
        for first, expected in copies.items():
            layer = case.layer(slices, start=_cycle(bank.shape[-1], C_OUT, first))
            self.assertAllEqual(layer.recipe.kernel(), expected)
            self.assertAllClose(layer(x), case.answer(x, expected), 1e-4, 1e-4)

    @parameterized.product(kind=list(KINDS), ratio=RATIOS)
    def test_is_born_as_any_mix_of_the_bank(self, kind, ratio):
        case = Case(kind, (3, 4), 2, "same", ratio, 2)
        _, slices, _ = _drawn(case)
        start = _dense(np.random.default_rng(3), sum(each.shape[-1] for each in slices), C_OUT)
        expected = oracle.made_kernel(slices, start, np.zeros([3, 4, C_IN, 0]))
        self.assertAllClose(case.layer(slices, start=start).recipe.kernel(), expected, 1e-5, 1e-5)

    @parameterized.product(kind=list(KINDS), bank_size=[2, 8, 30])
    def test_random_start_is_a_mix_of_the_banks_own_size(self, kind, bank_size):
        keras.utils.set_random_seed(5)
        bank = _normal(np.random.default_rng(5), 3, 5, C_IN, bank_size)
        layer = KINDS[kind].piggyback(C_OUT, (3, 5), bank=bank, unconstrained_ratio=0.25)
        layer.build((1, HEIGHT, WIDTH, C_IN))
        kernel = layer.recipe.kernel().numpy()
        residual = oracle.span_residual(kernel, bank)
        self.assertTrue(np.all(residual[2:] < 1e-5), residual)
        self.assertTrue(np.all(residual[:2] > 0.1), residual)
        # Mixing values drawn without regard to B make filters that are many times too small.
        self.assertBetween(kernel[..., 2:].std() / bank.std(), 1 / 3, 3)

    @parameterized.product(kind=list(KINDS), strategy=STRATEGIES)
    def test_same_layer_by_either_door(self, kind, strategy):
        case = Case(kind, (3, 4), 2, "same", 1 / 4, 2)
        x, slices, stored = _drawn(case)
        named = case.layer(slices, strategy)
        recipe = Piggyback(np.concatenate(slices, axis=-1), case.ratio, strategy=strategy)
        given = KINDS[kind].plain(C_OUT, (3, 4), recipe=recipe, strides=2, padding="same")
        given.build(x.shape)
        for layer in [named, given]:
            stored.fill(layer)
            self.assertIsInstance(layer, KINDS[kind].stock)
        self.assertAllEqual(named(x), given(x))

    @parameterized.product(kind=list(KINDS), strategy=STRATEGIES)
    def test_activation_comes_after_mixing_and_bias(self, kind, strategy):
        case = Case(kind, (3, 4), 2, "same", 1 / 4, 2)
        x, slices, stored = _drawn(case)
        layer = case.layer(slices, strategy, activation="relu")
        stored.fill(layer)
        kernel = oracle.made_kernel(slices, stored.mixing, stored.unconstrained)
        expected = np.maximum(case.answer(x, kernel) + stored.bias, 0)
        self.assertAllClose(layer(x), expected, 1e-4, 1e-4)

    @parameterized.product(kind=list(KINDS), strategy=STRATEGIES)
    def test_without_bias(self, kind, strategy):
        case = Case(kind, (3, 4), 2, "same", 1 / 4, 2)
        x, slices, stored = _drawn(case)
        layer = case.layer(slices, strategy, use_bias=False)
        self.assertIsNone(layer.bias)
        stored._replace(bias=np.zeros([0])).fill(layer)
        kernel = oracle.made_kernel(slices, stored.mixing, stored.unconstrained)
        self.assertAllClose(layer(x), case.answer(x, kernel), 1e-4, 1e-4)

    @parameterized.product(padding=["same", "valid"], strategy=STRATEGIES)
    def test_dilation(self, padding, strategy):
        case = Case("conv", (2, 3), 1, padding, 1 / 4, 2)
        x, slices, stored = _drawn(case)
        layer = case.layer(slices, strategy, dilation_rate=2)
        stored.fill(layer)
        # A dilated kernel is a larger one with zeros between its values.
        dilated = np.zeros([3, 5, C_IN, C_OUT])
        dilated[::2, ::2] = oracle.made_kernel(slices, stored.mixing, stored.unconstrained)
        self.assertAllClose(layer(x), case.answer(x, dilated) + stored.bias, 1e-4, 1e-4)

    @parameterized.product(kind=list(KINDS), strategy=STRATEGIES)
    def test_maps_of_any_size(self, kind, strategy):
        case = Case(kind, (3, 4), 2, "same", 1 / 4, 2)
        x, slices, stored = _drawn(case)
        layer = KINDS[kind].piggyback(
            C_OUT,
            (3, 4),
            bank=np.concatenate(slices, axis=-1),
            unconstrained_ratio=0.25,
            strategy=strategy,
            strides=2,
            padding="same",
        )
        image = keras.Input([None, None, C_IN])
        model = keras.Model(image, layer(image))
        stored.fill(layer)
        kernel = oracle.made_kernel(slices, stored.mixing, stored.unconstrained)
        for each in [x, x[:1, :3, :5]]:
            expected = case.answer(each, kernel) + stored.bias
            self.assertAllClose(model(each), expected, 1e-4, 1e-4)

    # Half a filter is rounded up; Python's own round would send 0.5 and 2.5 down, to 0 and 2.
    @parameterized.parameters(
        (0.25, 2, 1),
        (0.25, 5, 1),
        (0.25, 6, 2),
        (0.25, 7, 2),
        (0.125, 3, 0),
        (0.125, 4, 1),
        (0.5, 1, 1),
        (0.5, 5, 3),
        (0.5, 7, 4),
        (0.1, 4, 0),
        (0, 3, 0),
        (1, 3, 3),
    )
    def test_unconstrained_filters_are_rounded_to_the_nearest(self, ratio, filters, expected):
        rng = np.random.default_rng(5)
        for kind in KINDS.values():
            layer = kind.piggyback(filters, (1, 2), bank=_normal(rng, 1, 2, 3, 9), unconstrained_ratio=ratio)
            layer.build((1, 2, 2, 3))
            Stored(_normal(rng, 9, filters - expected), _normal(rng, 1, 2, 3, expected), _normal(rng, filters)).fill(
                layer
            )
            self.assertEqual(layer.recipe.kernel().shape, (1, 2, 3, filters))

    def test_a_quarter_is_the_default(self):
        layer = PiggybackConv2D(8, 1, bank=np.ones([1, 1, 2, 8], np.float32))
        layer.build((1, 1, 1, 2))
        self.assertEqual(layer.recipe.unconstrained.shape, (1, 1, 2, 2))
        self.assertEqual(layer.recipe.mixing.shape, (8, 6))

    @parameterized.named_parameters(
        ("start_of_a_larger_bank", 4, [3, 3, 2, 3], {"start": np.eye(4)}),
        ("start_of_fewer_filters", 4, [3, 3, 2, 4], {"start": np.eye(4, 3)}),
        ("start_of_more_filters", 4, [3, 3, 2, 4], {"start": np.eye(4, 5)}),
        ("start_that_is_no_mixing", 4, [3, 3, 2, 4], {"start": np.eye(4)[0]}),
        ("bank_that_is_no_kernel", 4, [18, 4], {}),
        ("bank_of_another_kernel_size", 4, [3, 2, 2, 4], {}),
        ("bank_of_another_c_in", 4, [3, 3, 5, 4], {}),
        ("negative_ratio", 4, [3, 3, 2, 4], {"unconstrained_ratio": -0.1}),
        ("ratio_above_one", 4, [3, 3, 2, 4], {"unconstrained_ratio": 1.5}),
        ("start_by_a_name", 4, [3, 3, 2, 4], {"start": "first_task"}),
        ("unknown_apply", 4, [3, 3, 2, 4], {"strategy": "fold"}),
    )
    def test_refuses(self, filters, shape, arguments):
        for kind in KINDS.values():
            with self.assertRaisesRegex(ValueError, "Received: "):
                layer = kind.piggyback(filters, 3, bank=np.ones(shape, np.float32), **arguments)
                layer.build((1, 4, 4, 2))


class GoldenTest(tf.test.TestCase, parameterized.TestCase):
    """Answers that can be checked by hand."""

    @parameterized.product(kind=list(KINDS), strategy=STRATEGIES)
    def test_swapped_filters(self, kind, strategy):
        # The bank's filters are [1, 2] and [3, 5]. On the pixel [1, 10] they answer
        # 1 + 20 = 21 and 3 + 50 = 53; swapped, 53 and 21.
        # (The kernel with its channels transposed would have answered 31 and 52.)
        bank = np.reshape([[1, 3], [2, 5]], [1, 1, 2, 2])
        layer = self._layer(kind, 2, bank, 0, strategy, mixing=[[0, 1], [1, 0]], bias=[0, 0])
        self.assertAllClose(layer(_pixel(1, 10)), _pixel(53, 21))

    @parameterized.product(kind=list(KINDS), strategy=STRATEGIES)
    def test_unconstrained_comes_first(self, kind, strategy):
        # Unconstrained [7, 0] answers 7 on the pixel [1, 10]. The piggyback filter is
        # 2 * [1, 2] - [3, 5] = [-1, -1] and answers -11. Biases 100 and 200 give 107 and 189.
        bank = np.reshape([[1, 3], [2, 5]], [1, 1, 2, 2])
        layer = self._layer(
            kind,
            2,
            bank,
            0.5,
            strategy,
            mixing=[[2], [-1]],
            bias=[100, 200],
            unconstrained=np.reshape([7, 0], [1, 1, 2, 1]),
        )
        self.assertAllClose(layer(_pixel(1, 10)), _pixel(107, 189))

    @parameterized.product(strategy=STRATEGIES)
    def test_rows_of_a_convolution(self, strategy):
        # Three filters of two rows: [1, 10], [1, 0] and [1, -1]; the mixing turns them round:
        # the last comes first. On the column 1, 2, 4 they answer
        #   [1, -1]: 1 - 2 = -1, 2 - 4 = -2   [1, 10]: 1 + 20 = 21, 2 + 40 = 42   [1, 0]: 1, 2
        bank = np.reshape([[1, 1, 1], [10, 0, -1]], [2, 1, 1, 3])
        turn = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
        layer = self._layer("conv", 3, bank, 0, strategy, mixing=turn, bias=[0, 0, 0])
        column = np.reshape([1, 2, 4], [1, 3, 1, 1]).astype(np.float32)
        self.assertAllClose(layer(column)[0, :, 0], [[-1, 21, 1], [-2, 42, 2]])

    @parameterized.product(strategy=STRATEGIES)
    def test_rows_of_a_transposed_convolution(self, strategy):
        # The same three filters, turned the same way. Pixel 2 stamps twice the filter, pixel 3
        # three times, and where the stamps overlap they add up:
        #   [1, -1]: 2, 3 - 2, -3   [1, 10]: 2, 3 + 20, 30   [1, 0]: 2, 3, 0
        bank = np.reshape([[1, 1, 1], [10, 0, -1]], [2, 1, 1, 3])
        turn = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
        layer = self._layer("transposed", 3, bank, 0, strategy, mixing=turn, bias=[0, 0, 0])
        column = np.reshape([2, 3], [1, 2, 1, 1]).astype(np.float32)
        self.assertAllClose(layer(column)[0, :, 0], [[2, 2, 2], [1, 23, 3], [-3, 30, 0]])

    def _layer(self, kind, filters, bank, ratio, strategy, *, mixing, bias, unconstrained=None):
        height, width, c_in, _ = bank.shape
        layer = KINDS[kind].piggyback(
            filters, (height, width), bank=bank.astype(np.float32), unconstrained_ratio=ratio, strategy=strategy
        )
        layer.build((1, None, None, c_in))
        free = np.zeros([height, width, c_in, 0]) if unconstrained is None else unconstrained
        Stored(np.asarray(mixing), free, np.asarray(bias)).fill(layer)
        return layer


def _pixel(*values):
    return np.reshape(values, [1, 1, 1, len(values)]).astype(np.float32)


STOCK_ARGUMENTS = [
    ("conv", {}),
    ("conv", {"strides": 2}),
    ("conv", {"strides": 2, "padding": "same"}),
    ("conv", {"strides": (1, 2), "padding": "same"}),
    ("conv", {"padding": "same", "activation": "tanh"}),
    ("conv", {"use_bias": False}),
    ("conv", {"dilation_rate": 2}),
    ("conv", {"dilation_rate": (1, 2), "padding": "same"}),
    ("transposed", {}),
    ("transposed", {"strides": 2}),
    ("transposed", {"strides": 2, "padding": "same"}),
    ("transposed", {"strides": (1, 2), "padding": "same"}),
    ("transposed", {"padding": "same", "activation": "tanh"}),
    ("transposed", {"use_bias": False}),
    ("transposed", {"strides": 2, "padding": "same", "output_padding": 1}),
]


class FullTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*[(f"{kind}_{arguments}", kind, arguments) for kind, arguments in STOCK_ARGUMENTS])
    def test_full_is_kerass_own(self, kind, arguments):
        for kernel_size, recipe in itertools.product([(3, 5), 4], [None, Full]):
            stock, ours = self._twins(kind, kernel_size, recipe and recipe(), arguments)
            x = _normal(np.random.default_rng(9), 2, 9, 11, C_IN)
            self.assertAllClose(ours(x), stock(x), 1e-5, 1e-5)
            self.assertAllEqual(ours.kernel, stock.kernel)
            self.assertEqual(ours.compute_output_shape(x.shape), stock(x).shape)

    @parameterized.product(kind=list(KINDS))
    def test_full_learns_as_kerass_own(self, kind):
        arguments = {"strides": 2, "padding": "same", "activation": "tanh"}
        stock, ours = self._twins(kind, (3, 5), Full(), arguments)
        x = _normal(np.random.default_rng(9), 2, 9, 11, C_IN)
        with tf.GradientTape(persistent=True) as tape:
            losses = [tf.reduce_sum(layer(x) ** 2) for layer in [ours, stock]]
        kernel, bias = tape.gradient(losses[0], [ours.recipe.unconstrained, ours.bias])
        expected_kernel, expected_bias = tape.gradient(losses[1], [stock.kernel, stock.bias])
        in_keras_order = KINDS[kind].keras_layout(kernel)
        self.assertAllClose(in_keras_order, expected_kernel, 1e-4, 1e-4)
        self.assertAllClose(bias, expected_bias, 1e-4, 1e-4)

    def _twins(self, kind, kernel_size, recipe, arguments):
        """Keras's layer and ours, holding the same kernel and bias."""
        rng = np.random.default_rng(13)
        stock = KINDS[kind].stock(C_OUT, kernel_size, **arguments)
        ours = KINDS[kind].plain(C_OUT, kernel_size, recipe=recipe, **arguments)
        for layer in [stock, ours]:
            self.assertIsInstance(layer, KINDS[kind].stock)
            layer.build((2, 9, 11, C_IN))
        self.assertEqual(ours.count_params(), stock.count_params())
        kernel = _normal(rng, *stock.kernel_size, C_IN, C_OUT)
        biases = [_normal(rng, C_OUT)] if stock.use_bias else []
        stock.set_weights([KINDS[kind].keras_layout(kernel), *biases])
        ours.recipe.unconstrained.assign(kernel)
        for bias in biases:
            ours.bias.assign(bias)
        return stock, ours


if __name__ == "__main__":
    tf.test.main()
