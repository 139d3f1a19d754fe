"""Methods: how kernels are made, and how a task begins, learns and is kept. A row in METHODS is a method."""

from pgtf.methods.base import Bank, Lent, Method, Phase
from pgtf.methods.finetune import Finetune
from pgtf.methods.full import Full, Half, Quarter
from pgtf.methods.mask import Mask
from pgtf.methods.piggyback import Factorized, Piggyback

METHODS: dict[str, type[Method]] = {
    "full": Full,
    "half": Half,
    "quarter": Quarter,
    "piggyback": Piggyback,
    "factorized": Factorized,
    "finetune": Finetune,
    "mask": Mask,
}

__all__ = [
    "METHODS",
    "Bank",
    "Factorized",
    "Finetune",
    "Full",
    "Half",
    "Lent",
    "Mask",
    "Method",
    "Phase",
    "Piggyback",
    "Quarter",
]
