"""The shape of a run's generator: the same for all of its tasks, known without TensorFlow."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgtf.layers.factory import LayerFactory

from pgtf.foundation import settings

NETWORKS, NORMS = ("unet", "resnet"), ("instance", "batch")
UPSAMPLINGS = ("transpose", "resize", "resize_even")


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What a generator looks like.

    Args:
      network: "unet" or "resnet".
      size: (height, width) of the images that it learns from.
      width: Filters of its first layer.
      norm: "instance" or "batch".
      upsampling: "transpose" or "resize"; "resize_even" is how runs of format 1 resize: with the U-Net's even kernels,
        which shift what they make by half a pixel.
      blocks: Residual blocks of a ResNet.
      outputs: Channels of a picture.
      dropout: Whether a U-Net drops out while it learns; a ResNet never does.
    """

    network: str = "unet"
    size: tuple[int, int] = (256, 256)
    width: int = 64
    norm: str = "instance"
    upsampling: str = "transpose"
    blocks: int = 9
    outputs: int = 3
    dropout: bool = True

    def __post_init__(self) -> None:
        settings.check_types(self)
        for field, allowed in (("network", NETWORKS), ("norm", NORMS), ("upsampling", UPSAMPLINGS)):
            if getattr(self, field) not in allowed:
                raise ValueError(f"`{field}` must be one of {', '.join(allowed)}. Received: {getattr(self, field)!r}")
        if self.width < 1:
            raise ValueError(f"A network needs at least one filter a layer. Received: {self.width}")
        multiple_of(self.network, *self.size)

    @property
    def multiple(self) -> int:
        """What an image's height and width must be multiples of."""
        return multiple_of(self.network, *self.size)

    def __call__(self, image: Any, make: "LayerFactory", width: int) -> Any:
        """The network's output for an image, its layers made by `make`, the first of them with `width` filters."""
        from pgtf.networks.resnet import resnet  # TensorFlow takes seconds to import; an architecture needs none.
        from pgtf.networks.unet import unet

        if self.network == "unet":
            return unet(image, make, width, levels=unet_levels(*self.size), outputs=self.outputs, dropout=self.dropout)
        return resnet(image, make, width, blocks=self.blocks, outputs=self.outputs)


def multiple_of(network: str, height: int, width: int) -> int:
    """What sizes a network takes are multiples of; an error where it does not take this one."""
    if network == "unet":
        return int(2 ** unet_levels(height, width))
    if height % 4 or width % 4 or min(height, width) < 16:
        raise ValueError(f"A ResNet takes images of at least 16 px, in multiples of 4. Received: {height}x{width}")
    return 4


def unet_levels(height: int, width: int) -> int:
    """How often the U-Net halves an image: down to one pixel on the shorter side."""
    levels = int(math.log2(min(height, width))) if min(height, width) > 0 else 0
    if levels < 2 or height % 2**levels or width % 2**levels:
        raise ValueError(
            "A U-Net takes images whose shorter side is a power of two, at least 4, and divides the longer. "
            f"Received: {height}x{width}"
        )
    return levels
