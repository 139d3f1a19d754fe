"""Networks: functions of a tensor, given something that makes their layers; and their architecture in a run."""

from pgtf.networks.architecture import Architecture

__all__ = ["Architecture"]
