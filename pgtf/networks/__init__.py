"""Networks: functions of a tensor and a layer factory; and the architecture that a run chooses.

A new network is a subclass of Network in a file of its own and a row in NETWORKS.
"""

from pgtf.networks.architecture import Architecture
from pgtf.networks.base import Network
from pgtf.networks.patchgan import PatchGAN
from pgtf.networks.table import DISCRIMINATORS, NETWORKS

__all__ = ["DISCRIMINATORS", "NETWORKS", "Architecture", "Network", "PatchGAN"]
