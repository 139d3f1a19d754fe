"""Network: the base class that defines the layers of a network, the sizes that it takes and its settings."""

import dataclasses
from typing import Any, ClassVar

from pgtf.foundation import settings
from pgtf.layers.kernel_site import SiteFactory

IMAGE = (None, None, 3)


@dataclasses.dataclass(frozen=True)
class Network:
    """Base class of networks: subclasses listed in NETWORKS, whose fields (`settings.setting`) are settings.

    Importing a network must not import TensorFlow, which takes seconds; `__call__` does.

    Attributes:
      input: Kind of an input, by its shape for RGB, without the batch. Default: an image of any size.
      makes: Kind of the output: "images" or "scores". Default: "images".
      takes: Kind of the input: "images" or "latents". Default: "images".
      norms: The norms that it may have, as --norm has them. Default: all.
      init: Initial values of free kernels, as `LayerFactory` has them. Default: "normal".
      first_layer: Name of the layer that reads the image. Its kernel has the image's channels, so tasks with other
        channels than the first task's have one of their own. Default: none.
      size: (height, width) of the training images.
      outputs: Number of output channels, or of scores.
      inputs: Number of input channels.
    """

    input: ClassVar[tuple[Any, ...]] = IMAGE
    makes: ClassVar[str] = "images"
    takes: ClassVar[str] = "images"
    norms: ClassVar[tuple[str, ...]] = ("instance", "batch", "none")
    init: ClassVar[str] = "normal"
    first_layer: ClassVar[str] = ""

    size: tuple[int, int] = (256, 256)
    outputs: int = 3
    inputs: int = 3

    def __post_init__(self) -> None:
        settings.check(self)
        self.multiple  # noqa: B018  (rejects sizes)

    @property
    def multiple(self) -> int:
        """The number that image sizes must be multiples of. Raises ValueError if the network rejects its size."""
        return 1

    def input_at(self, width: int) -> tuple[Any, ...]:
        """Returns the shape of an input of a network of this width, without the batch."""
        del width
        return (None, None, self.inputs) if self.input == IMAGE else self.input

    @property
    def published_names(self) -> dict[str, str]:
        """{layer: its name in torchvision's weights}. Default: none."""
        return {}

    def __call__(self, input: Any, make: SiteFactory, width: int) -> Any:
        """Returns the network's output.

        Args:
          input: Tensor [n, …].
          make: Factory of the network's layers.
          width: Number of filters of the first layer.
        """
        raise NotImplementedError
