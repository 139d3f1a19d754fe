"""Methods: how kernels are made, and how a task begins, learns and is kept. A row in METHODS is a method."""

from pgtf.methods.base import Bank, Lent, Method, Phase
from pgtf.methods.full import Full, Half, Quarter
from pgtf.methods.piggyback import Factorized, Piggyback

METHODS: dict[str, type[Method]] = {
    "full": Full,
    "half": Half,
    "quarter": Quarter,
    "piggyback": Piggyback,
    "factorized": Factorized,
}

__all__ = ["METHODS", "Bank", "Factorized", "Full", "Half", "Lent", "Method", "Phase", "Piggyback", "Quarter"]
