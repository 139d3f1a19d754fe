"""StyleGAN2's networks: published counts, and outputs against numpy."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import methods
from pgtf.assembly import build
from pgtf.assembly.parameters import PlannedBank, PlannedTask, count_parameters
from pgtf.layers import LayerFactory, folded, restore, state
from pgtf.networks import Architecture
from pgtf.networks.style_discriminator import StyleDiscriminator
from pgtf.networks.stylegan2 import StyleGAN2, filters_at
from tests.networks import style_oracle

SIZES = [4, 8, 16]


def architecture(size=16, width=1, **options):
    settings = tuple(sorted(options.items()))
    return Architecture("stylegan2", (size, size), width=width, norm="none", options=settings)


def moved(network, seed=1):
    """Other values than the first ones, all of them: also biases and strengths."""
    draw = np.random.default_rng(seed)
    values = {
        path: value + draw.normal(size=value.shape).astype("float32") * max(value.std(), 0.5)
        for path, value in state(network).items()
    }
    restore(network, values)
    return lambda name: values[f"{network.name}/{name}"].astype("float64")


class StyleGAN2Test(tf.test.TestCase, parameterized.TestCase):
    # Of the official networks at width 512: `print_layers` of NVlabs/stylegan2 and stylegan2-ada.
    @parameterized.parameters((256, 30_034_338), (1024, 30_370_060))
    def test_counts_are_the_published_ones(self, size, published):
        count = count_parameters(architecture(size, 64), methods.Full(), "forward", PlannedBank({}))
        self.assertEqual(count.bytes, 4 * published)
        kernel = count.kernels["forward/conv64_up"]["unconstrained"].values
        others = count.others["forward/conv64_up"]["biases"] + count.others["forward/conv64_up_noise"]["norms"]
        style = count.kernels["forward/conv64_up_style"]["unconstrained"].values + 512
        self.assertEqual(kernel + others + style, 2_622_465)  # synthesis.b64.conv0

    @parameterized.parameters(0.01, 0.1)
    def test_width_wise_frees_the_first_inputs_of_every_layer(self, ratio):
        first = count_parameters(architecture(256, 64), methods.Full(), "forward", PlannedBank({}))
        bank = PlannedBank({"faces": PlannedTask(first.kernels)})
        later = count_parameters(architecture(256, 64), methods.WidthWise(ratio), "forward", bank)
        self.assertEqual(later.kernels.keys(), first.kernels.keys())
        for path, specs in first.kernels.items():
            height, width, c_in, c_out = specs["unconstrained"].shape
            free = {5: c_in * 1 // 100, 51: c_in // 10}[int(512 * ratio)] if c_in > 1 else 0
            expected = {(height, width, free, c_out)} if free else set()
            self.assertEqual({spec.shape for spec in later.kernels[path].values()}, expected, path)

    def test_mapping_only_frees_what_makes_styles(self):
        first = count_parameters(architecture(), methods.Full(), "forward", PlannedBank({}))
        bank = PlannedBank({"faces": PlannedTask(first.kernels)})
        later = count_parameters(architecture(), methods.MappingOnly(), "forward", bank)
        free = {path.split("/")[1] for path, specs in later.kernels.items() if specs}
        self.assertEqual(
            free, {name for name in map(_last, first.kernels) if name.endswith("_style") or name.startswith("mapping")}
        )

    def test_a_discriminator_has_the_published_count(self):
        image = keras.Input((256, 256, 3))
        made = keras.Model(image, StyleDiscriminator((256, 256))(image, LayerFactory("discriminator"), 64))
        self.assertEqual(made.count_params(), 28_864_129)

    def test_filters_halve_from_a_size_on(self):
        self.assertEqual([filters_at(size, 64, 64) for size in (4, 64, 128, 256, 1024)], [512, 512, 256, 128, 32])
        self.assertEqual([filters_at(size, 16, 8) for size in (4, 8, 16, 32)], [128, 128, 64, 32])

    def test_images_are_those_of_the_paper_and_of_the_folded_network(self):
        network = build.generators(architecture(mapping_layers=2, narrow_from=4), methods.Full(), ("forward",))
        network = network["forward"]
        value = moved(network)
        z = np.random.default_rng(2).normal(size=(3, 8)).astype("float32")

        def noise(name):
            layer = network.get_layer(name)
            return layer._constant(np.zeros([1, *layer.output.shape[1:]]))

        expected = style_oracle.generated(z.astype("float64"), value, noise, SIZES, 2)
        self.assertAllClose(network(z), expected, atol=2e-4 * abs(expected).max())
        plain = folded(network)
        self.assertAllClose(plain(z), network(z), atol=1e-5 * abs(expected).max())
        self.assertEmpty([layer for layer in plain.layers if hasattr(layer, "recipe")])
        self.assertAllEqual(network(z[1:2]), network(z[1:2]))

    @parameterized.parameters(1, 6, 8)
    def test_scores_are_those_of_the_paper(self, count):
        image = keras.Input((16, 16, 3))
        network = StyleDiscriminator((16, 16), narrow_from=4)(image, LayerFactory("discriminator"), 1)
        network = keras.Model(image, network, name="discriminator")
        value = moved(network)
        x = np.random.default_rng(2).normal(size=(count, 16, 16, 3)).astype("float32")
        expected = style_oracle.scores(x.astype("float64"), value, SIZES)
        self.assertAllClose(network(x), expected, atol=2e-4 * abs(expected).max())

    @parameterized.parameters(((24, 24),), ((32, 64),), ((8, 8),), ((2048, 2048),))
    def test_other_sizes_are_refused(self, size):
        with self.assertRaisesRegex(ValueError, "square images of 16, 32, 64"):
            StyleGAN2(size=size)


def _last(path):
    return path.split("/")[1]


if __name__ == "__main__":
    tf.test.main()
