"""Settings of networks, and the architecture that they choose."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pgtf.config.group import Group
from pgtf.foundation import settings
from pgtf.foundation.settings import refuse, setting
from pgtf.networks import NETWORKS, Architecture
from pgtf.networks.architecture import SHARED


@dataclasses.dataclass(frozen=True)
class NetworkSettings(Group):
    """The shape of generators and discriminators.

    Attributes:
      options: ((setting, value), …) of the network's row in NETWORKS, sorted. A missing one has its default.
    """

    network: str = setting(
        "unet",
        "Network of a task: unet and resnet translate images, stylegan2 generates them, the others classify them.",
        choices=NETWORKS,
    )
    width: int = setting(64, "Filters of the generator's first layer. The paper has 64.", above=0)
    norm: str = setting(
        "instance",
        "Normalization in all networks. Classifiers need batch or none; stylegan2 needs none.",
        choices=("instance", "batch", "none"),
    )
    upsampling: str = setting(
        "transpose",
        "Upsampling in the generator: transposed convolutions, or a resize and a convolution (no checkerboards).",
        choices=("transpose", "resize"),
    )
    discriminator_width: int = setting(64, "Filters of the discriminator's first layer.", above=0)
    discriminator_layers: int = setting(
        3, "Layers with stride 2 in the PatchGAN discriminator. 3 give patches of 70x70 pixels.", above=0
    )
    options: tuple[tuple[str, Any], ...] = ()

    def check(self) -> None:
        known = [field.name for field in settings.settings_of(NETWORKS[self.network])]
        for name, _ in self.options:
            if name not in known:
                refuse("network", f"one with the setting {name}", self.network)
        NETWORKS[self.network](**dict(self.options))  # Rejects values.

    @property
    def row_settings(self) -> dict[str, Any]:
        """{setting: value} of the settings that only this network has: the fields of its row in NETWORKS."""
        fields = settings.settings_of(NETWORKS[self.network])
        return {**{field.name: field.default for field in fields}, **dict(self.options)}


def architecture(networks: NetworkSettings, size: tuple[int, int], output: Mapping[str, Any]) -> Architecture:
    """Returns the architecture of generators.

    Args:
      networks: The settings of the networks.
      size: (height, width) of training images.
      output: Fields of the architecture that the objective sets.
    """
    own = networks.row_settings
    fields = {name: own.pop(name) for name in SHARED if name in own}  # Slices have had these from the first format on.
    return Architecture(
        network=networks.network,
        size=size,
        width=networks.width,
        norm=networks.norm,
        upsampling=networks.upsampling,
        options=tuple(sorted(own.items())),
        **fields,
        **output,
    )
