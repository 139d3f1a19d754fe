"""The tables of networks, by the names that flags and slices have for them."""

from pgtf.networks.base import Network
from pgtf.networks.patchgan import PatchGAN
from pgtf.networks.resnet import ResNet
from pgtf.networks.unet import UNet

NETWORKS: dict[str, type[Network]] = {"unet": UNet, "resnet": ResNet}
DISCRIMINATORS: dict[str, type[PatchGAN]] = {"patchgan": PatchGAN}
