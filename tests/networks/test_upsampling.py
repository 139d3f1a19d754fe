"""Checks that networks upsample evenly to all sides, without checkerboards, with the planned sizes."""

import collections
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.assembly import build
from pgtf.assembly.accounting import plan
from pgtf.assembly.bank import NetworkBank, slice_of
from pgtf.layers import LayerFactory, restore, state
from pgtf.methods import Full, Piggyback
from pgtf.networks import Architecture
from pgtf.objectives import Pix2Pix
from pgtf.recipes import Full as FullRecipe
from pgtf.storage.facts import Facts, of_format_1

MAPS = pathlib.Path(__file__).parent.parent / "fixtures" / "format1" / "tasks" / "01-maps"


def generator(architecture, method, bank=None):
    return build.generators(architecture, method, ("forward",), bank)["forward"]


class UpsamplingTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ("resize", 3, True), ("resize", 4, True), ("resize_even", 3, True), ("resize_even", 4, False)
    )
    def test_a_pixel_spreads_to_all_sides_alike(self, upsampling, kernel_size, alike):
        # But for the even kernels of format 1.
        pixel = np.zeros((1, 5, 5, 1), "float32")
        pixel[0, 2, 2] = 1
        make = LayerFactory("g", recipe=lambda site: FullRecipe("ones"), upsampling=upsampling)
        y = make.up("up1", 1, kernel_size)(pixel)
        self.assertEqual(y.shape, (1, 10, 10, 1))
        for axis in (1, 2):
            self.assertEqual(np.allclose(y, np.flip(y, axis), atol=1e-6), alike)

    @parameterized.product(upsampling=["transpose", "resize"], axis=["height", "width"])
    def test_a_unet_of_flipped_kernels_makes_the_flipped_picture_of_a_flipped_image(self, upsampling, axis):
        in_image, in_kernel = {"height": (1, 0), "width": (2, 1)}[axis]
        network = generator(Architecture("unet", (16, 16), width=2, upsampling=upsampling), Full())
        values = {path: 10 * value if value.ndim == 4 else value for path, value in state(network).items()}
        x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
        restore(network, values)
        y = network(x)
        restore(network, {path: np.flip(v, in_kernel) if v.ndim == 4 else v for path, v in values.items()})
        self.assertAllClose(network(np.flip(x, in_image)), np.flip(y, in_image), atol=1e-4)
        self.assertGreater(np.abs(y - np.flip(y, in_image)).max(), 0.1)

    def test_resized_maps_have_no_checkerboard(self):
        # A flat map stays flat away from the border; a transposed convolution, whose taps meet unevenly, has a pattern.
        flat = np.ones((1, 6, 6, 2), "float32")
        spread = {}
        for upsampling in ("transpose", "resize"):
            y = LayerFactory("g", upsampling=upsampling).up("up1", 1, 3)(flat)
            self.assertEqual(y.shape, (1, 12, 12, 1))
            spread[upsampling] = np.ptp(y[0, 3:-3, 3:-3, 0])
        self.assertLess(spread["resize"], 1e-6)
        self.assertGreater(spread["transpose"], 1e-3)

    @parameterized.product(network=["unet", "resnet"], upsampling=["transpose", "resize", "resize_even"])
    def test_what_is_planned_is_what_is_stored(self, network, upsampling):
        architecture = Architecture(network, (16, 16), width=2, blocks=1, upsampling=upsampling)
        bank, stored = NetworkBank(), collections.Counter()
        for name in ("one", "two"):
            made = generator(architecture, Piggyback(), bank)
            for path, value in state(made).items():
                stored[name, path.rsplit("/", 1)[0]] += value.size
            facts = Facts(architecture, Piggyback(), Pix2Pix())
            bank.append(slice_of(name, {"forward": made}, bank, facts))
        planned = plan(("one", "two"), architecture, Piggyback(), ("forward",))
        self.assertEqual({(cost.task, cost.path): cost.values for cost in planned}, stored)

    def test_a_network_of_format_1_that_resizes_keeps_its_kernels(self):
        description = json.loads((MAPS / "slice.json").read_text())
        old = description["facts"]
        old["architecture"]["upsampling"] = "resize"  # In format 1 its shapes were those of "transpose".
        facts = Facts.from_json(of_format_1(old))
        network = generator(facts.architecture, facts.method)
        shapes = {path: list(value.shape) for path, value in state(network).items()}
        self.assertEqual(shapes, description["shapes"])
        self.assertEqual(shapes["forward/up2/unconstrained"][:2], [4, 4])
        self.assertNotIsInstance(network.get_layer("up2"), keras.layers.Conv2DTranspose)


if __name__ == "__main__":
    tf.test.main()
