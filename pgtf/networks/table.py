"""The tables of networks, by the names that flags and slices have for them."""

from typing import Any

from pgtf.networks.base import Network
from pgtf.networks.densenet import DenseNet121
from pgtf.networks.patchgan import PatchGAN
from pgtf.networks.residual import ResNet18, ResNet50
from pgtf.networks.resnet import ResNet
from pgtf.networks.style_discriminator import StyleDiscriminator
from pgtf.networks.stylegan2 import StyleGAN2
from pgtf.networks.unet import UNet
from pgtf.networks.vgg import VGG16
from pgtf.networks.wide_resnet import WideResNet28x4

NETWORKS: dict[str, type[Network]] = {
    "unet": UNet,
    "resnet": ResNet,
    "vgg16": VGG16,
    "resnet18": ResNet18,
    "resnet50": ResNet50,
    "wide_resnet28_4": WideResNet28x4,
    "densenet121": DenseNet121,
    "stylegan2": StyleGAN2,
}
DISCRIMINATORS: dict[str, type[Any]] = {"patchgan": PatchGAN, "style": StyleDiscriminator}
