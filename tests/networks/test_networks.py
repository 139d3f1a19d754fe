"""The networks' sizes, layer paths and counts, against the published ones."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import methods
from pgtf.assembly import build
from pgtf.layers import Dropout, LayerFactory, state
from pgtf.networks import Architecture
from pgtf.networks.unet import UNet
from pgtf.objectives.base import Auxiliary
from pgtf.recipes import Full, Piggyback

# Written out by hand, from pytorch-CycleGAN-and-pix2pix at width 64: path -> [height, width, c_in, c_out].
UNET_256 = {
    "down1": (4, 4, 3, 64),
    "down2": (4, 4, 64, 128),
    "down3": (4, 4, 128, 256),
    "down4": (4, 4, 256, 512),
    "down5": (4, 4, 512, 512),
    "down6": (4, 4, 512, 512),
    "down7": (4, 4, 512, 512),
    "down8": (4, 4, 512, 512),
    "up8": (4, 4, 512, 512),
    "up7": (4, 4, 1024, 512),
    "up6": (4, 4, 1024, 512),
    "up5": (4, 4, 1024, 512),
    "up4": (4, 4, 1024, 256),
    "up3": (4, 4, 512, 128),
    "up2": (4, 4, 256, 64),
    "output": (4, 4, 128, 3),
}
RESNET_9 = {
    "stem": (7, 7, 3, 64),
    "down1": (3, 3, 64, 128),
    "down2": (3, 3, 128, 256),
    **{f"block{number}{part}": (3, 3, 256, 256) for number in range(1, 10) for part in "ab"},
    "up2": (3, 3, 256, 128),
    "up1": (3, 3, 128, 64),
    "output": (7, 7, 64, 3),
}
COUNTED = [
    # Values of tasks 1 to 4 at λ = ¼ with biases, without, and as the paper rounds them. Instance norm's scale and
    # shift, which the reference has not, come on top.
    dict(
        testcase_name="unet_256",
        architecture=Architecture("unet"),
        kernels=UNET_256,
        task_specific=("output",),
        stored_values=(54_409_603, 15_509_635, 15_984_259, 16_458_883),
        kernels_alone=(54_404_096, 15_504_128, 15_978_752, 16_453_376),
        published=("54.41", "15.5", "16.0", "16.5"),
    ),
    dict(
        testcase_name="resnet_9",
        architecture=Architecture("resnet"),
        kernels=RESNET_9,
        task_specific=("up1", "output"),
        stored_values=(11_378_179, 3_872_371, 4_112_755, 4_353_139),
        kernels_alone=(11_372_928, 3_867_120, 4_107_504, 4_347_888),
        published=("11.38", "3.87", "4.11", "4.35"),
    ),
]


def generator(architecture):
    """A network of free kernels."""
    return build.generators(architecture, methods.Full(), ("forward",))["forward"]


def discriminator(channels, **settings):
    return build.discriminator("discriminator", Auxiliary(channels), **settings)


def made_layers(network):
    return {layer.name: layer for layer in network.layers if hasattr(layer, "recipe")}


class RecordingMaker(LayerFactory):
    """Remembers what each convolution gave; with it a network runs on an image at once, without a model."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.outputs = {}

    def conv(self, name, *args, **settings):
        return self._recording(name, super().conv(name, *args, **settings))

    def up(self, name, *args, **settings):
        return self._recording(name, super().up(name, *args, **settings))

    def _recording(self, name, layer):
        return lambda h: self.outputs.setdefault(name, layer(h))


def image_of(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, size=shape).astype("float32")


class CountTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(COUNTED)
    def test_a_task_stores_what_the_paper_says(
        self, architecture, kernels, task_specific, stored_values, kernels_alone, published
    ):
        layers = made_layers(generator(architecture))
        shapes = {name: tuple(layer.recipe.unconstrained.shape) for name, layer in layers.items()}
        self.assertEqual(shapes, kernels)
        biases = sum(layer.bias.shape[0] for layer in layers.values())
        self.assertEqual(biases, sum(shape[-1] for shape in kernels.values()))
        for task, millions in enumerate(published):
            by_recipe = by_formula = biases
            for name, shape in shapes.items():
                weights, c_out = np.prod(shape[:3]), shape[3]
                free = c_out // 4
                bank = c_out + (task - 1) * free
                recipe = Full()
                if task > 0 and name not in task_specific:
                    # A bank that takes no memory.
                    recipe = Piggyback(np.broadcast_to(np.float32(0), (*shape[:3], bank)), 0.25)
                    by_formula += weights * free + bank * (c_out - free)
                else:
                    by_formula += weights * c_out
                by_recipe += sum(np.prod(spec.shape) for spec in recipe.specs(shape).values())
            self.assertEqual(by_recipe, by_formula)
            self.assertEqual((by_recipe, by_recipe - biases), (stored_values[task], kernels_alone[task]))
            decimals = len(millions.split(".")[1])
            self.assertEqual(f"{by_recipe / 1e6:.{decimals}f}", millions)

    @parameterized.parameters((6, "batch", 2_768_705), (3, "instance", 2_764_737))
    def test_patchgan(self, channels, norm, expected):
        network = discriminator(channels, norm=norm)
        count = sum(np.prod(v.shape) for v in network.trainable_variables)
        if norm == "batch":
            # The reference has no bias where batch norm follows.
            count -= sum(network.get_layer(f"conv{number}").bias.shape[0] for number in (2, 3, 4))
        else:
            # The reference's instance norm has no scale and shift.
            count -= 2 * sum(network.get_layer(f"conv{number}").filters for number in (2, 3, 4))
        self.assertEqual(count, expected)


class UNetTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters((64, 64, 6), (128, 128, 7), (256, 256, 8), (512, 512, 9), (64, 128, 6), (192, 64, 6))
    def test_takes_the_size_and_goes_down_to_one_pixel(self, height, width, levels):
        self.assertEqual(UNet((height, width)).levels, levels)
        architecture = Architecture("unet", (height, width), width=1)
        self.assertEqual(architecture.multiple, 2**levels)
        make = RecordingMaker("forward")
        y = architecture(image_of(1, height, width, 3), make, 1)
        bottom = (height // 2**levels, width // 2**levels)
        self.assertEqual(min(bottom), 1)
        self.assertEqual(make.outputs[f"down{levels}"].shape[1:3], bottom)
        self.assertEqual(make.outputs[f"up{levels}"].shape[1:3], (2 * bottom[0], 2 * bottom[1]))
        self.assertNotIn(f"down{levels + 1}", make.outputs)
        self.assertEqual(y.shape, (1, height, width, 3))
        self.assertAllInRange(y, -1, 1)

    def test_takes_any_image_of_the_same_multiple(self):
        network = generator(Architecture("unet", (8, 8), width=1))
        self.assertEqual(network.output_shape, (None, None, None, 3))
        self.assertEqual(network(image_of(2, 24, 16, 3)).shape, (2, 24, 16, 3))

    def test_widths_grow_to_eight_fold(self):
        layers = made_layers(generator(Architecture("unet", (64, 64), width=2)))
        self.assertEqual([layers[f"down{level}"].filters for level in range(1, 7)], [2, 4, 8, 16, 16, 16])
        self.assertEqual([layers[f"up{level}"].filters for level in range(6, 1, -1)], [16, 16, 8, 4, 2])

    def test_layer_paths(self):
        network = generator(Architecture("unet", (16, 32), width=2))
        self.assertEqual(
            {path: value.shape for path, value in state(network).items()},
            {
                "forward/down1/unconstrained": (4, 4, 3, 2),
                "forward/down1/bias": (2,),
                "forward/down2/unconstrained": (4, 4, 2, 4),
                "forward/down2/bias": (4,),
                "forward/down2_norm/gamma": (4,),
                "forward/down2_norm/beta": (4,),
                "forward/down3/unconstrained": (4, 4, 4, 8),
                "forward/down3/bias": (8,),
                "forward/down3_norm/gamma": (8,),
                "forward/down3_norm/beta": (8,),
                "forward/down4/unconstrained": (4, 4, 8, 16),
                "forward/down4/bias": (16,),
                "forward/up4/unconstrained": (4, 4, 16, 8),
                "forward/up4/bias": (8,),
                "forward/up4_norm/gamma": (8,),
                "forward/up4_norm/beta": (8,),
                "forward/up3/unconstrained": (4, 4, 16, 4),
                "forward/up3/bias": (4,),
                "forward/up3_norm/gamma": (4,),
                "forward/up3_norm/beta": (4,),
                "forward/up2/unconstrained": (4, 4, 8, 2),
                "forward/up2/bias": (2,),
                "forward/up2_norm/gamma": (2,),
                "forward/up2_norm/beta": (2,),
                "forward/output/unconstrained": (4, 4, 4, 3),
                "forward/output/bias": (3,),
            },
        )

    def test_dropout_is_in_three_inner_decoder_blocks_at_256(self):
        network = generator(Architecture("unet", (256, 256), width=1))
        dropouts = [layer for layer in network.layers if isinstance(layer, Dropout)]
        self.assertEqual([layer.name for layer in dropouts], ["up7_dropout", "up6_dropout", "up5_dropout"])
        self.assertEqual({layer.rate for layer in dropouts}, {0.5})

    def test_without_dropout_all_else_is_the_same(self):
        with_dropout, without = (
            generator(Architecture("unet", (64, 64), width=1, dropout=dropout)) for dropout in (True, False)
        )
        names = {layer.name for layer in with_dropout.layers if isinstance(layer, Dropout)}
        self.assertEqual(names, {"up5_dropout"})
        self.assertEmpty([layer for layer in without.layers if isinstance(layer, Dropout)])
        x = image_of(1, 64, 64, 3)
        self.assertAllEqual(without(x, training=True), with_dropout(x))
        self.assertEqual(state(without).keys(), state(with_dropout).keys())

    def test_each_decoder_block_sees_its_encoder_twin(self):
        network = generator(Architecture("unet", (16, 16), width=2))
        joins = [layer for layer in network.layers if isinstance(layer, keras.layers.Concatenate)]
        twins = [network.get_layer(name) for name in ("down3_norm", "down2_norm", "down1")]
        x = image_of(1, 16, 16, 3)
        for join, twin in zip(joins, twins):
            joined, seen = keras.Model(network.input, [join.output, twin.output])(x)
            self.assertAllEqual(joined[..., -seen.shape[-1] :], seen)
        self.assertLen(joins, 3)

    def test_batch_norm(self):
        values = state(generator(Architecture("unet", (8, 8), width=2, norm="batch")))
        self.assertIn("forward/down2_norm/moving_mean", values)
        self.assertIn("forward/down2_norm/moving_variance", values)

    @parameterized.parameters((48, 64), (64, 96), (65, 65), (100, 100), (2, 2), (0, 0), (-4, 4), (3, 64))
    def test_sizes_refused(self, height, width):
        with self.assertRaisesRegex(ValueError, f"U-Net needs images whose shorter.*Received: {height}x{width}"):
            Architecture("unet", (height, width))


class ResNetTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters((6, 64, 64), (9, 32, 20), (6, 16, 48))
    def test_takes_the_size(self, blocks, height, width):
        make = RecordingMaker("forward")
        y = Architecture("resnet", (height, width), width=2, blocks=blocks)(image_of(2, height, width, 3), make, 2)
        self.assertEqual(y.shape, (2, height, width, 3))
        self.assertAllInRange(y, -1, 1)
        self.assertEqual(make.outputs["down2"].shape, (2, height // 4, width // 4, 8))
        made = {name for name in make.outputs if "block" in name}
        self.assertEqual(made, {f"block{number}{part}" for number in range(1, blocks + 1) for part in "ab"})

    def test_layer_paths(self):
        values = state(generator(Architecture("resnet", (16, 16), width=2, blocks=1)))
        layers = ["stem", "down1", "down2", "block1a", "block1b", "up2", "up1", "output"]
        expected = {f"forward/{layer}/{value}" for layer in layers for value in ("unconstrained", "bias")}
        expected |= {f"forward/{layer}_norm/{value}" for layer in layers[:-1] for value in ("gamma", "beta")}
        self.assertEqual(set(values), expected)

    def test_a_silenced_block_is_the_identity(self):
        # A block adds to what it got: without its last norm's values, nothing.
        network = generator(Architecture("resnet", (16, 16), width=2, blocks=1))
        norm = network.get_layer("block1b_norm")
        norm.set_weights([np.zeros(8), np.zeros(8)])
        x = image_of(1, 16, 16, 3)
        added = next(layer for layer in network.layers if isinstance(layer, keras.layers.Add))
        before, after = keras.Model(network.input, [added.input[0], added.output])(x)
        self.assertAllEqual(before, after)
        self.assertGreater(np.abs(before).max(), 0)

    @parameterized.parameters((18, 16), (16, 30), (12, 12), (0, 0))
    def test_sizes_refused(self, height, width):
        with self.assertRaisesRegex(ValueError, f"at least 16 px, in multiples of 4. Received: {height}x{width}"):
            Architecture("resnet", (height, width))


class PatchGANTest(tf.test.TestCase, parameterized.TestCase):
    # Sizes and fields of pix2pix's discriminators, on 256 px.
    @parameterized.parameters((1, 126, 16), (2, 62, 34), (3, 30, 70))
    def test_output_size_and_field(self, n_layers, size, field):
        # Batch norm at inference keeps the field to what the convolutions see.
        network = discriminator(6, norm="batch", width=2, n_layers=n_layers)
        x = tf.constant(image_of(1, 256, 256, 6))
        with tf.GradientTape() as tape:
            tape.watch(x)
            scores = network(x)
            score = scores[0, size // 2, size // 2, 0]
        self.assertEqual(scores.shape, (1, size, size, 1))
        rows, columns = np.nonzero(np.abs(tape.gradient(score, x)[0]).sum(-1))
        self.assertEqual((np.ptp(rows) + 1, np.ptp(columns) + 1), (field, field))

    def test_widths_grow_to_eight_fold(self):
        layers = made_layers(discriminator(3, width=1, n_layers=5))
        self.assertEqual([layers[f"conv{number}"].filters for number in range(1, 7)], [1, 2, 4, 8, 8, 8])

    def test_the_scores_are_free_of_any_activation_and_norm(self):
        network = discriminator(3, width=2)
        scores = network.get_layer("scores")
        x = image_of(1, 64, 64, 3)
        before = network(x)
        scores.bias.assign([-7.0])
        self.assertAllClose(network(x), before - 7, atol=1e-5)

    def test_instance_norm_from_the_second_layer_on(self):
        names = [layer.name for layer in discriminator(3, width=2).layers]
        self.assertEqual([name for name in names if "norm" in name], ["conv2_norm", "conv3_norm", "conv4_norm"])


class ArchitectureTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (dict(network="vit"), "`network` must be one of unet, resnet, .*. Received: 'vit'"),
        (dict(norm="layer"), "`norm` must be one of instance, batch, none. Received: 'layer'"),
        (dict(upsampling="nearest"), "`upsampling` must be one of transpose, resize, resize_even. Received: 'nearest'"),
        (dict(width=0), "must be at least 1. Received: 0"),
    )
    def test_refused(self, settings, message):
        with self.assertRaisesRegex(ValueError, message):
            Architecture(**settings)

    @parameterized.parameters("unet", "resnet")
    def test_resize_upsampling_has_the_same_sizes(self, network):
        architecture = Architecture(network, (16, 32), width=2, blocks=1)
        shapes = {}
        for upsampling in ("transpose", "resize"):
            make = RecordingMaker("forward", upsampling=upsampling)
            self.assertEqual(architecture(image_of(1, 16, 32, 3), make, 2).shape, (1, 16, 32, 3))
            shapes[upsampling] = {name: h.shape for name, h in make.outputs.items()}
        self.assertEqual(shapes["transpose"], shapes["resize"])

    @parameterized.parameters("unet", "resnet")
    def test_upsampling_reaches_the_network(self, network):
        transposed = {}
        for upsampling in ("transpose", "resize"):
            architecture = Architecture(network, (16, 16), width=1, blocks=1, upsampling=upsampling)
            layers = made_layers(generator(architecture)).items()
            transposed[upsampling] = {name for name, layer in layers if isinstance(layer, keras.layers.Conv2DTranspose)}
        self.assertEqual(transposed["resize"], set())
        ups = {"unet": {"up4", "up3", "up2", "output"}, "resnet": {"up2", "up1"}}
        self.assertEqual(transposed["transpose"], ups[network])


if __name__ == "__main__":
    tf.test.main()
