"""PatchGAN, the discriminator of pix2pix and CycleGAN: scores each patch of an image as real or generated."""

import dataclasses
from typing import Any

from pgtf.layers.kernel_site import SiteFactory


@dataclasses.dataclass(frozen=True)
class PatchGAN:
    """A discriminator that scores overlapping patches of an image.

    Attributes:
      layers: Number of halvings. Default: 3, which makes patches of 70 px.
    """

    layers: int = 3

    def __call__(self, input: Any, make: SiteFactory, width: int) -> Any:
        """Returns scores [n, h', w', 1], one per patch, of an image [n, h, w, c]."""
        h = input
        for layer in range(self.layers + 1):
            # Padded by 1 on every side, as in the original, so each of the last two layers shrinks the map by 1.
            h = make.layers.ZeroPadding2D(1)(h)
            strides = 2 if layer < self.layers else 1
            h = make.conv(f"conv{layer + 1}", width * min(2**layer, 8), 4, strides=strides, padding="valid")(h)
            if layer > 0:
                h = make.norm(f"conv{layer + 1}_norm")(h)
            h = make.layers.LeakyReLU(0.2)(h)
        h = make.layers.ZeroPadding2D(1)(h)
        h = make.conv("scores", 1, 4, padding="valid")(h)
        return make.layers.Activation("linear", dtype="float32")(h)
