"""Objectives: networks, losses and the step that lowers them."""

from pgtf.objectives.objective import LinearDecay, Objective, adam
from pgtf.objectives.paired import Pix2Pix
from pgtf.objectives.unpaired import CycleGAN

__all__ = ["CycleGAN", "LinearDecay", "Objective", "Pix2Pix", "adam"]
