"""U-Net generator of pix2pix."""

import dataclasses
import math

from pgtf.networks.base import Network


@dataclasses.dataclass(frozen=True)
class UNet(Network):
    """The encoder halves the image down to one pixel; each decoder block also sees the encoder block of its size.

    Attributes:
      dropout: Whether inner decoder blocks have dropout during training. Default: True.
    """

    first_layer = "down1"
    dropout: bool = True

    @property
    def levels(self) -> int:
        """Number of halvings until the shorter side is one pixel: 8 at 256 px."""
        height, width = self.size
        levels = int(math.log2(min(height, width))) if min(height, width) > 0 else 0
        if levels < 2 or height % 2**levels or width % 2**levels:
            raise ValueError(
                "A U-Net needs images whose shorter side is a power of two, at least 4, and divides the longer side. "
                f"Received: {height}x{width}"
            )
        return levels

    @property
    def multiple(self) -> int:
        return int(2**self.levels)

    def __call__(self, input, make, width):
        """Returns an image [n, h, w, outputs] in [-1, 1] for an image [n, h, w, c]."""
        levels = self.levels
        widths = [width * min(2**level, 8) for level in range(levels)]
        h, skips = input, []
        for level, filters in enumerate(widths, 1):
            if level > 1:
                h = make.layers.LeakyReLU(0.2)(h)
            h = make.conv(f"down{level}", filters, 4, strides=2, level=level)(h)
            # Instance norm of a single pixel is zero, so the innermost block has no norm.
            if 1 < level < levels:
                h = make.norm(f"down{level}_norm")(h)
            skips.append(h)
        h = skips.pop()
        for level in range(levels, 1, -1):
            h = make.layers.ReLU()(h)
            h = make.up(f"up{level}", widths[level - 2], 4, inputs=1 if level == levels else 2, level=level + 1)(h)
            h = make.norm(f"up{level}_norm")(h)
            if self.dropout and 5 <= level < levels:  # Three blocks at 256 px.
                h = make.dropout(f"up{level}_dropout", 0.5)(h)
            h = make.layers.Concatenate()([h, skips.pop()])
        h = make.layers.ReLU()(h)
        h = make.up("output", self.outputs, 4, task_specific=True)(h)
        return make.layers.Activation("tanh", dtype="float32")(h)
