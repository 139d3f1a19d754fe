"""The classifiers' counts against the published ones, their sizes, paths and padding."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf import methods
from pgtf.assembly import build
from pgtf.assembly.parameters import PlannedBank, count_parameters
from pgtf.layers import LayerFactory, made_kernels, restore, state
from pgtf.layers.dense import dense
from pgtf.methods import Full
from pgtf.networks import Architecture
from tests.recipes.oracle import conv

# Of torchvision, 1000 classes at 224 px, without the moving averages of batch norms. By hand, CPG's VGG16-BN at 32 px,
# 5 classes, and WRN-28-4, 10 classes: kernels, scales and shifts, biases of dense layers.
CPG = 14_710_464 + 2 * 4_224 + (512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 5
WIDE_BLOCKS = sum(9 * (c * c * 7 + c * before) + c * before for before, c in ((16, 64), (64, 128), (128, 256)))
WIDE_NORMS = 2 * sum(before + 7 * c for before, c in ((16, 64), (64, 128), (128, 256))) + 2 * 256
WIDE = 27 * 16 + WIDE_BLOCKS + WIDE_NORMS + 257 * 10
PUBLISHED = [
    ("resnet18", "batch", 224, 1000, 11_689_512),
    ("resnet50", "batch", 224, 1000, 25_557_032),
    ("vgg16", "none", 224, 1000, 138_357_544),
    ("vgg16", "batch", 32, 5, CPG),
    ("wide_resnet28_4", "batch", 32, 10, WIDE),
    ("densenet121", "batch", 224, 1000, 7_978_856),
]
NAMES = ("resnet18", "vgg16", "wide_resnet28_4")


def network(name, size, width=2, outputs=3, norm="batch", **settings):
    shape = Architecture(name, (size, size), width=width, norm=norm, outputs=outputs, **settings)
    return build.generators(shape, methods.Full(), ("forward",))["forward"]


def images(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def _in_keras(name):
    """Returns the name that a layer of DenseNet-121 has in keras.applications."""
    found = re.fullmatch(r"block(\d)_layer(\d+)([ab])(_norm)?", name)
    if found:
        block, layer, part, norm = found.groups()
        kind = {("a", True): "0_bn", ("a", False): "1_conv", ("b", True): "1_bn", ("b", False): "2_conv"}
        return f"conv{int(block) + 1}_block{layer}_{kind[part, bool(norm)]}"
    if name.startswith("transition"):
        return f"pool{int(name[10]) + 1}_{'bn' if 'norm' in name else 'conv'}"
    return {"stem": "conv1_conv", "stem_norm": "conv1_bn", "last_norm": "bn", "scores": "predictions"}[name]


class ClassifiersTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*PUBLISHED)
    def test_counts_are_the_published_ones(self, name, norm, size, outputs, published):
        shape = Architecture(name, (size, size), width=64, norm=norm, outputs=outputs)
        count = count_parameters(shape, Full(), "forward", PlannedBank({}))
        kernels = sum(spec.values for specs in count.kernels.values() for spec in specs.values())
        others = sum(one.get("biases", 0) + one.get("norms", 0) // 2 for one in count.others.values())
        self.assertEqual(kernels + others, published)

    @parameterized.parameters(*NAMES)
    def test_it_stores_what_was_counted_and_its_last_layer_is_task_specific(self, name):
        made = network(name, 32, width=3, outputs=5)
        self.assertEqual(made(images(2, 32, 32, 3)).shape, (2, 5))
        shape = Architecture(name, (32, 32), width=3, norm="batch", outputs=5)
        count = count_parameters(shape, Full(), "forward", PlannedBank({}))
        stored, kernels = state(made), made_kernels(made)
        self.assertEqual({path.rsplit("/", 1)[0] for path in stored}, count.others.keys() | count.kernels.keys())
        self.assertEqual(sum(value.nbytes for value in stored.values()), count.bytes)
        self.assertEqual([path for path, recipe in kernels.items() if not recipe.lends], ["forward/scores"])

    @parameterized.parameters((32, 3, 1, 32), (64, 7, 2, 16))
    def test_the_stem_quarters_images_from_64_px_on(self, size, kernel, strides, side):
        made = network("resnet18", size)
        stem = made.get_layer("stem")
        self.assertEqual((stem.kernel_size, stem.strides), ((kernel, kernel), (strides, strides)))
        at = keras.Model(made.input, made.get_layer("stage1_block1a").output)
        self.assertEqual(at(images(1, size, size, 3)).shape[1], side)

    @pytest.mark.long
    def test_densenet_answers_as_that_of_keras_applications(self):
        stock = keras.applications.DenseNet121(
            weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None
        )
        draw = np.random.default_rng(0)
        for layer in stock.layers:  # Scales and spreads near 1, so that a swapped layer shows.
            near = isinstance(layer, keras.layers.BatchNormalization)
            values = [
                draw.uniform(0.5, 1.5, w.shape) if near else draw.normal(0, 0.05, w.shape) for w in layer.get_weights()
            ]
            layer.set_weights(values)
        theirs = {layer.name.replace("/", "_"): layer.get_weights() for layer in stock.layers}
        made = network("densenet121", 64, width=64, outputs=10)
        values = dict.fromkeys(state(made))
        for layer in made.layers:
            own = [path for path in values if path.startswith(f"forward/{layer.name}/")]
            if own:
                found = theirs[_in_keras(layer.name)]
                kernel = found[0].reshape(1, 1, *found[0].shape) if found[0].ndim == 2 else found[0]
                values.update(zip(own, [kernel, *found[1:]]))
        restore(made, values)
        x = images(2, 64, 64, 3)
        self.assertAllClose(made(x), stock(x), rtol=1e-3, atol=1e-3)

    def test_stages(self):
        made = network("resnet18", 32, options=(("stages", 3),))
        stages = {path.split("/")[1][:6] for path in made_kernels(made)} - {"stem", "scores"}
        self.assertEqual(stages, {"stage1", "stage2", "stage3"})
        self.assertEqual(made.get_layer("scores").recipe.kernel_shape, (1, 1, 8, 3))

    def test_a_stride_is_padded_alike_on_all_sides(self):
        made = network("resnet18", 16)
        layer = made.get_layer("stage2_block1a")
        padded, got = map(np.asarray, keras.Model(made.input, [layer.input, layer.output])(images(1, 16, 16, 3)))
        self.assertGreater(np.abs(padded).max(), 0)
        self.assertAllEqual(padded[:, [0, -1]], np.zeros_like(padded[:, [0, -1]]))
        self.assertAllEqual(padded[:, :, [0, -1]], np.zeros_like(padded[:, :, [0, -1]]))
        self.assertAllClose(got, conv(padded, layer.kernel.numpy(), 2), atol=1e-5)

    def test_a_bias_is_where_no_norm_follows(self):
        with_norms, without = network("vgg16", 32), network("vgg16", 32, norm="none")
        biased = [
            {layer.name for layer in made.layers if getattr(layer, "use_bias", False)} for made in (with_norms, without)
        ]
        self.assertEqual(biased[0], {"dense1", "dense2", "scores"})
        self.assertLen(biased[1], 16)
        self.assertFalse([path for path in state(without) if "norm" in path])

    def test_dropout_is_in_dense_layers_of_maps(self):
        names = [
            [layer.name for layer in network("vgg16", size, width=1).layers if "dropout" in layer.name]
            for size in (32, 64)
        ]
        self.assertEqual(names, [[], ["dense1_dropout", "dense2_dropout"]])

    @parameterized.parameters(("vgg16", 31, 32), ("resnet18", 7, 8))
    def test_small_images_are_refused(self, name, size, least):
        with self.assertRaisesRegex(ValueError, f"at least {least} px. Received: {size}x{size}"):
            network(name, size)

    def test_instance_norm_is_refused(self):
        with self.assertRaisesRegex(ValueError, "--norm must be batch or none for --network=resnet18"):
            network("resnet18", 32, norm="instance")


class DenseTest(tf.test.TestCase):
    def test_it_is_a_matrix_product(self):
        input = keras.Input((5,))
        made = keras.Model(input, dense(LayerFactory("forward"), "one", 3)(input))
        layer, x = made.get_layer("one"), images(4, 5)
        layer.bias.assign([1.0, 2.0, 3.0])
        self.assertEqual(layer.recipe.kernel_shape, (1, 1, 5, 3))
        self.assertAllClose(made(x), x @ layer.kernel.numpy()[0, 0] + [1, 2, 3], atol=1e-6)


if __name__ == "__main__":
    tf.test.main()
