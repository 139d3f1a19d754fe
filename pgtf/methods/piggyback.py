"""Piggyback: kernel = [unconstrained | bank ⊗ mixing] (eq. 5); the bank: earlier tasks' unconstrained filters."""

import dataclasses

from pgtf import layers, recipes
from pgtf.methods.base import Method
from pgtf.settings import setting


@dataclasses.dataclass(frozen=True)
class Piggyback(Method):
    """The first task's kernels are free; of each later one's, λ are free and the rest mixed from the bank."""

    unconstrained_ratio: float = setting(
        0.25,
        "λ: the share of each layer's filters that a new task learns freely; the rest mixes the bank.",
        least=0,
        most=1,
    )
    start: str = setting(
        "first_task",
        "Where a new task starts: as a copy of the first task's model, as the paper does, or at random.",
        choices=("first_task", "random"),
    )
    equal_steps: bool = setting(
        False, "Whether a mixing learns as fast, against its size, as free filters do; several times faster than else."
    )
    share_bank: bool = setting(
        False, "cyclegan: both generators mix the filters of both (twice the bank, not twice the unconstrained)."
    )

    def borrows(self, learnt):
        return learnt

    def recipe(self, place, bank):
        if not bank.names:
            return super().recipe(place, bank)
        lent = bank.lent(*self._lenders(place.path))
        return recipes.Piggyback(
            lent,
            self.unconstrained_ratio,
            equal_steps=self.equal_steps,
            initializer=place.initializer,
            seed=place.seed,
        )

    def begin(self, networks, bank):
        bank = bank.only(self.borrows(bank.names))  # What the recipes mix.
        if self.start != "first_task" or not bank.names:
            return
        first = bank.names[0]
        for network in networks.values():
            layers.begin_as(network, bank.values(first))
            for path, recipe in layers.made_kernels(network).items():
                if isinstance(recipe, recipes.Piggyback):
                    recipe.begin_as(bank.lent(*self._lenders(path)).copying(first, path))

    def _lenders(self, path):
        """The layer paths whose filters this one mixes."""
        if not self.share_bank:
            return (path,)
        _, name = path.split("/", 1)
        return f"forward/{name}", f"backward/{name}"


@dataclasses.dataclass(frozen=True)
class Factorized(Piggyback):
    """The paper's pure factorization: Piggyback in which nothing is free."""

    unconstrained_ratio: float = dataclasses.field(default=0.0, init=False)
