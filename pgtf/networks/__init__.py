"""Networks: functions of a tensor and a layer factory; and the architecture that a run chooses."""

from pgtf.networks.architecture import Architecture

__all__ = ["Architecture"]
