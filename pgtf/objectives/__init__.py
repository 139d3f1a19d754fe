"""Objectives: what a task's networks are, and the step that lowers their losses. A row in OBJECTIVES is one."""

from pgtf.objectives.base import Objective
from pgtf.objectives.cyclegan import CycleGAN
from pgtf.objectives.pix2pix import Pix2Pix

OBJECTIVES: dict[str, type[Objective]] = {"pix2pix": Pix2Pix, "cyclegan": CycleGAN}

__all__ = ["OBJECTIVES", "CycleGAN", "Objective", "Pix2Pix"]
