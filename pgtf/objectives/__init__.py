"""Objectives: each defines a task's networks, losses and training step. OBJECTIVES lists them by name."""

from pgtf.objectives.base import Objective
from pgtf.objectives.classification import Classification
from pgtf.objectives.cyclegan import CycleGAN
from pgtf.objectives.pix2pix import Pix2Pix
from pgtf.objectives.unconditional import Unconditional

OBJECTIVES: dict[str, type[Objective]] = {
    "pix2pix": Pix2Pix,
    "cyclegan": CycleGAN,
    "classification": Classification,
    "unconditional": Unconditional,
}

__all__ = ["OBJECTIVES", "Classification", "CycleGAN", "Objective", "Pix2Pix", "Unconditional"]
