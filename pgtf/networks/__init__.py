"""Networks: functions of a tensor, given something that makes their layers."""

from pgtf.networks.patchgan import patchgan
from pgtf.networks.resnet import resnet
from pgtf.networks.unet import depth as unet_depth
from pgtf.networks.unet import unet

__all__ = ["patchgan", "resnet", "unet", "unet_depth"]
