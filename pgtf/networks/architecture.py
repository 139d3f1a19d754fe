"""The architecture of a run's generators: the same for all tasks, defined without TensorFlow."""

import dataclasses
import functools
from typing import Any

from pgtf.foundation import settings
from pgtf.layers.kernel_site import SiteFactory
from pgtf.networks.base import Network
from pgtf.networks.table import NETWORKS

NORMS = ("instance", "batch", "none")
UPSAMPLINGS = ("transpose", "resize", "resize_even")
SHARED = ("size", "blocks", "outputs", "inputs", "dropout")  # What a row may take from the fields of an architecture.


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The architecture of a generator.

    Args:
      network: Its row in NETWORKS.
      size: (height, width) of its training images.
      width: Number of filters of its first layer.
      norm: "instance", "batch" or "none".
      upsampling: "transpose" or "resize". "resize_even" is the resize of runs of format 1, with the U-Net's even
        kernels, which shift their output by half a pixel.
      blocks: Number of residual blocks of a ResNet.
      outputs: Number of output channels, of the forward network.
      dropout: Whether a U-Net has dropout during training; a ResNet has none.
      options: ((setting, value), …) of other networks, in the order of names. Slices leave them out if there are none.
      inputs: Number of input channels, of the forward network. Slices leave them out if there are three.
    """

    network: str = "unet"
    size: tuple[int, int] = (256, 256)
    width: int = 64
    norm: str = "instance"
    upsampling: str = "transpose"
    blocks: int = 9
    outputs: int = 3
    dropout: bool = True
    options: tuple[tuple[str, Any], ...] = ()
    inputs: int = 3

    def __post_init__(self) -> None:
        settings.check_types(self)
        for field, allowed in (("network", NETWORKS), ("norm", NORMS), ("upsampling", UPSAMPLINGS)):
            if getattr(self, field) not in allowed:
                raise ValueError(f"`{field}` must be one of {', '.join(allowed)}. Received: {getattr(self, field)!r}")
        if min(self.inputs, self.outputs) < 1:
            raise ValueError(f"A network must have input and output channels. Received: {self.inputs}, {self.outputs}")
        if self.width < 1:
            raise ValueError(f"`width`, the filters of the first layer, must be at least 1. Received: {self.width}")
        if self.norm not in self.row.norms:  # The row also rejects sizes and settings.
            raise ValueError(
                f"--norm must be {' or '.join(self.row.norms)} for --network={self.network}. Received: {self.norm!r}"
            )

    @functools.cached_property
    def row(self) -> Network:
        """The network with its settings."""
        kind = NETWORKS[self.network]
        unknown = sorted(dict(self.options).keys() - {field.name for field in dataclasses.fields(kind)})
        if unknown:
            raise ValueError(f"`options` must be settings of {self.network}. Received: {', '.join(unknown)}")
        given = {**{name: getattr(self, name) for name in SHARED}, **dict(self.options)}
        return kind(**{field.name: given[field.name] for field in dataclasses.fields(kind) if field.name in given})

    def is_same(self, other: "Architecture") -> bool:
        """Returns whether two architectures have the same layers. Ignores fields that the network does not use."""
        one, two = ((each.network, each.row, each.width, each.norm, each.upsampling) for each in (self, other))
        return one == two

    def of(self, prefix: str) -> "Architecture":
        """Returns the architecture of one network: "backward" has input and output channels exchanged."""
        if prefix != "backward" or self.inputs == self.outputs:
            return self
        return dataclasses.replace(self, inputs=self.outputs, outputs=self.inputs)

    def with_channels(self, inputs: int, outputs: int) -> "Architecture":
        """Returns the architecture with other channels."""
        return dataclasses.replace(self, inputs=inputs, outputs=outputs)

    @property
    def input(self) -> tuple[Any, ...]:
        """Shape of an input, without the batch."""
        return self.row.input_at(self.width)

    @property
    def multiple(self) -> int:
        """The number that height and width of an image must be multiples of."""
        return self.row.multiple

    def __call__(self, input: Any, make: SiteFactory, width: int) -> Any:
        """Returns the network's output; see `Network`."""
        return self.row(input, make, width)

    def as_json(self) -> dict[str, Any]:
        """Returns the architecture as plain data."""
        plain = dataclasses.asdict(self)
        options, inputs = dict(plain.pop("options")), plain.pop("inputs")
        return {**plain, **({"options": options} if options else {}), **({"inputs": inputs} if inputs != 3 else {})}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Architecture":
        """Returns the architecture that `as_json` described."""
        options = tuple(sorted(plain.get("options", {}).items()))
        return cls(**{**plain, "size": tuple(plain["size"]), "options": options})
