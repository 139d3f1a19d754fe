"""The residual discriminator of StyleGAN2 (Karras et al., CVPR 2020): scores an image as real or generated."""

import dataclasses
import re
from typing import Any

from pgtf.layers.dense import dense
from pgtf.layers.kernel_site import SiteFactory
from pgtf.networks.stylegan2 import activated, filters_at, sizes_of


@dataclasses.dataclass(frozen=True)
class StyleDiscriminator:
    """Residual blocks that halve the image down to 4 px, minibatch standard deviation, and two dense layers.

    Attributes:
      size: (height, width) of the images.
      narrow_from: As for `StyleGAN2`.
    """

    size: tuple[int, int] = (256, 256)
    narrow_from: int = 64

    def __call__(self, input: Any, make: SiteFactory, width: int) -> Any:
        """Returns scores [n, 1] of images [n, h, w, c]."""
        largest, *halved = reversed(sizes_of(self.size))
        h = activated(make, make.equalized(f"rgb{largest}", filters_at(largest, width, self.narrow_from), 1)(input))
        for size in halved:
            h = self._block(make, h, 2 * size, filters_at(size, width, self.narrow_from))
        filters = h.shape[-1]
        h = activated(make, make.equalized("conv4", filters, 3)(make.layers.MinibatchStdDev()(h)))
        h = make.layers.Reshape((16 * filters,))(h)
        h = activated(make, dense(make, "dense", filters, kind="equalized")(h))
        return make.layers.Activation("linear", dtype="float32")(dense(make, "scores", 1, kind="equalized")(h))

    @staticmethod
    def _block(make, h, size, filters):
        down = dict(strides=2, padding="valid")
        y = activated(make, make.equalized(f"conv{size}", h.shape[-1], 3)(h))
        y = activated(make, make.equalized(f"conv{size}_down", filters, 3, **down)(make.layers.Smooth((2, 2))(y)))
        h = make.equalized(f"skip{size}", filters, 1, use_bias=False)(make.layers.Smooth((1, 1), strides=2)(h))
        return make.layers.Rescaling(0.5**0.5)(make.layers.Add()([y, h]))


def outer_layers(network: Any, count: int) -> list[str]:
    """Returns the names of the layers of the first blocks of a discriminator, counted from the image."""
    sizes = {layer.name: re.fullmatch(r"(?:rgb|conv|skip)(\d+)(?:_down)?", layer.name) for layer in network.layers}
    found = {name: int(match[1]) for name, match in sizes.items() if match}
    outer = sorted(set(found.values()), reverse=True)[:count]
    return [name for name, size in found.items() if size in outer]
