"""Planned recipes: they count the values that a task would store for a kernel, without TensorFlow.

A method takes its recipes from `KernelSite.recipes`: this module or, to make kernels, `pgtf.recipes`.
"""

import functools
from typing import Any, Callable

from pgtf.recipes import specs
from pgtf.recipes.specs import Spec


class Planned:
    """A recipe that makes no kernel. Takes the arguments of the recipe that it stands for.

    precision: As for `Recipe`.
    """

    precision: str = ""

    def __init__(self, specs_of: Callable[..., dict[str, Spec]], *args: Any, **settings: Any) -> None:
        self._specs_of = lambda shape: specs_of(shape, *args, **settings)

    def stored(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        """Returns the arrays that a task would store, as `Recipe.stored` does."""
        return specs.with_precision(self._specs_of(shape), self.precision)


Delta = functools.partial(Planned, specs.delta)
Expanded = functools.partial(Planned, specs.packed)
Full = functools.partial(Planned, specs.full)
Lora = functools.partial(Planned, specs.low_rank, products=("shift",))
LowRank = functools.partial(Planned, specs.low_rank)
Mask = functools.partial(Planned, specs.mask)
Modulated = functools.partial(Planned, specs.modulated)
Packed = functools.partial(Planned, specs.packed)
PartlyFree = functools.partial(Planned, specs.partly_free)
Picked = functools.partial(Planned, specs.packed)
Piggyback = functools.partial(Planned, specs.piggyback)
