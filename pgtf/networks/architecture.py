"""The architecture of a run's generators: the same for all tasks, defined without TensorFlow."""

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
    """The architecture of a generator.

    Args:
      network: "unet" or "resnet".
      size: (height, width) of its training images.
      width: Number of filters of its first layer.
      norm: "instance" or "batch".
      upsampling: "transpose" or "resize". "resize_even" is the resize of runs of format 1, with the U-Net's even
        kernels, which shift their output by half a pixel.
      blocks: Number of residual blocks of a ResNet.
      outputs: Number of output channels.
      dropout: Whether a U-Net has dropout during training; a ResNet has none.
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
            raise ValueError(f"`width`, the filters of the first layer, must be at least 1. Received: {self.width}")
        multiple_of(self.network, *self.size)

    @property
    def multiple(self) -> int:
        """The number that height and width of an image must be multiples of."""
        return multiple_of(self.network, *self.size)

    def __call__(self, image: Any, make: "LayerFactory", width: int) -> Any:
        """Returns the network's output for an image.

        Args:
          image: Tensor [n, h, w, c].
          make: Factory of the network's layers.
          width: Number of filters of the first layer.
        """
        from pgtf.networks.resnet import resnet  # Imported here because TensorFlow takes seconds to import.
        from pgtf.networks.unet import unet

        if self.network == "unet":
            return unet(image, make, width, levels=unet_levels(*self.size), outputs=self.outputs, dropout=self.dropout)
        return resnet(image, make, width, blocks=self.blocks, outputs=self.outputs)


def multiple_of(network: str, height: int, width: int) -> int:
    """Returns the number that image sizes must be multiples of. Raises ValueError if the network rejects this size."""
    if network == "unet":
        return int(2 ** unet_levels(height, width))
    if height % 4 or width % 4 or min(height, width) < 16:
        raise ValueError(f"A ResNet takes images of at least 16 px, in multiples of 4. Received: {height}x{width}")
    return 4


def unet_levels(height: int, width: int) -> int:
    """Returns how many times the U-Net halves an image: until the shorter side is one pixel."""
    levels = int(math.log2(min(height, width))) if min(height, width) > 0 else 0
    if levels < 2 or height % 2**levels or width % 2**levels:
        raise ValueError(
            "A U-Net takes images whose shorter side is a power of two, at least 4, and divides the longer side. "
            f"Received: {height}x{width}"
        )
    return levels
