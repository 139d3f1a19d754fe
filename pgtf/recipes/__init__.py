"""Ways of making a kernel."""

from pgtf.recipes.base import Recipe
from pgtf.recipes.full import Full
from pgtf.recipes.piggyback import Piggyback, unconstrained_filters

__all__ = ["Full", "Piggyback", "Recipe", "unconstrained_filters"]
