"""Keras layers whose kernels are made, and the few that Keras lacks."""

from pgtf.layers.conv import Conv2D, Conv2DTranspose, PiggybackConv2D, PiggybackConv2DTranspose
from pgtf.layers.dropout import Dropout
from pgtf.layers.folded import folded
from pgtf.layers.norm import InstanceNormalization
from pgtf.layers.padding import ReflectionPadding2D
from pgtf.layers.stored import begin_as, restore, stored

__all__ = [
    "Conv2D",
    "Conv2DTranspose",
    "Dropout",
    "InstanceNormalization",
    "PiggybackConv2D",
    "PiggybackConv2DTranspose",
    "ReflectionPadding2D",
    "begin_as",
    "folded",
    "restore",
    "stored",
]
