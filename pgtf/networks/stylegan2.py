"""StyleGAN2 (Karras et al., CVPR 2020), configuration F: a generator of images from latents."""

import dataclasses
import math
from typing import Any

from pgtf.foundation.settings import setting
from pgtf.layers.dense import dense
from pgtf.layers.kernel_site import SiteFactory
from pgtf.networks.base import Network

STYLES = "styles"  # Name of the layer between mapping and synthesis, [n, number of styles, length of a style].
SMALLEST, LARGEST = 16, 1024
MAPPING_RATE = 0.01
NARROW_FROM = setting(
    64,
    "stylegan2: size, in pixels, of the largest maps with 8 times the width as filters; each doubling halves them. "
    "64 is the published one; 8 makes networks of small images several times faster.",
    least=4,
)


def filters_at(size: int, width: int, narrow_from: int) -> int:
    """Returns the number of filters of maps of this size in pixels."""
    return max(1, round(8 * width * min(1, narrow_from / size)))


def sizes_of(size: tuple[int, int]) -> list[int]:
    """Returns the sizes of the maps, from 4 px to the image's. Raises ValueError for images of other sizes."""
    height, width = size
    if height != width or height not in (2**n for n in range(4, 11)):
        raise ValueError(
            f"StyleGAN2 makes square images of {SMALLEST}, 32, 64, … or {LARGEST} px. Received: {height}x{width}"
        )
    return [2**n for n in range(2, int(math.log2(height)) + 1)]


@dataclasses.dataclass(frozen=True)
class StyleGAN2(Network):
    """Maps a latent to styles by dense layers, and a constant map to an image by convolutions that styles modulate.

    At width 64 latents and styles have 512 values, and the network has the published number of parameters.
    """

    input = (None,)
    takes = "latents"
    norms = ("none",)

    mapping_layers: int = setting(8, "stylegan2: dense layers of the mapping network.", least=1)
    narrow_from: int = NARROW_FROM

    def input_at(self, width):
        return (8 * width,)

    @property
    def multiple(self) -> int:
        return sizes_of(self.size)[-1]

    def __call__(self, input, make, width):
        """Returns images [n, h, w, outputs], about [-1, 1], of latents [n, values]."""
        sizes = sizes_of(self.size)
        style = self._mapped(input, make, 8 * width)
        styles = make.layers.RepeatVector(2 * len(sizes), name=STYLES)(style)
        row = make.layers.Row
        h, image, number = self._constant(styles, make, filters_at(4, width, self.narrow_from)), None, 0
        for size in sizes:
            level = len(sizes) - int(math.log2(size)) + 2
            filters = filters_at(size, width, self.narrow_from)
            if size > 4:
                h = self._styled(make, h, row(number)(styles), f"conv{size}_up", filters, level + 1, doubles=True)
                number += 1
            h = self._styled(make, h, row(number)(styles), f"conv{size}", filters, level)
            number += 1
            image = self._painted(make, h, row(number)(styles), f"rgb{size}", level, image)
        return make.layers.Activation("linear", dtype="float32")(image)

    def _mapped(self, latent, make, length):
        """Returns styles [n, length] of latents."""
        h = make.layers.UnitNormalization()(latent)
        h = make.layers.Rescaling(latent.shape[-1] ** 0.5)(h)
        for number in range(1, self.mapping_layers + 1):
            settings = dict(rate=MAPPING_RATE, makes_styles=True)
            h = activated(make, dense(make, f"mapping{number}", length, kind="equalized", **settings)(h))
        return h

    def _constant(self, like, make, filters):
        """Returns the learned map [n, 4, 4, filters]: a dense layer of the number 1."""
        made = dense(make, "constant", 16 * filters, kind="equalized", use_bias=False)(make.layers.Ones()(like))
        return make.layers.Reshape((4, 4, filters))(made)

    def _styled(self, make, h, style, name, filters, level, doubles=False):
        h = make.modulated(name, filters, 3, doubles=doubles, level=level)([h, self._factors(make, h, style, name)])
        return activated(make, make.noise(f"{name}_noise")(h))

    def _painted(self, make, h, style, name, level, image):
        """Returns the upsampled image of the previous level, plus the output of this level."""
        added = make.modulated(name, self.outputs, 1, demodulates=False, level=level)(
            [h, self._factors(make, h, style, name)]
        )
        return added if image is None else make.layers.Add()([make.layers.Doubled()(image), added])

    @staticmethod
    def _factors(make, h, style, name):
        """Returns the factors of the channels of h: an affine layer, near 1 at first."""
        return dense(make, f"{name}_style", h.shape[-1], kind="equalized", bias=1.0, makes_styles=True)(style)


def halves(network: Any) -> tuple[Any, Any]:
    """Splits a network into mapping (latents to styles [n, number of styles, values]) and synthesis, which share it."""
    import keras

    styles = network.get_layer(STYLES).output
    return keras.Model(network.input, styles, name="mapping"), keras.Model(styles, network.output, name="synthesis")


def activated(make: SiteFactory, h: Any) -> Any:
    """Applies a leaky ReLU of gain √2. make: As for a network."""
    return make.layers.Rescaling(2**0.5)(make.layers.LeakyReLU(0.2)(h))
