"""Piggyback: kernel = [unconstrained | bank ⊗ mixing] (eq. 5); the bank holds earlier tasks' unconstrained filters."""

import dataclasses
import math

from pgtf import layers, recipes
from pgtf.foundation.settings import setting
from pgtf.methods.base import Method
from pgtf.methods.borrow_policy import BorrowPolicy, as_names

FREE_OUTER_HELP = (
    "Number of outer levels, counted from the image, in which a new task trains all filters freely. A layer's "
    "level is 1 if its input has the image's size, 2 at half of it, and so on: 4 frees down1 to down4, up2 and up3 "
    "of the U-Net; 2 frees stem, down1 and down2 of the ResNet. Outer layers make fine detail and are small."
)


@dataclasses.dataclass(frozen=True)
class Piggyback(Method):
    """A later task learns a fraction λ of each kernel's filters, and mixes the others from earlier tasks' filters."""

    unconstrained_ratio: float = setting(
        0.25,
        "λ, the fraction of each layer's filters that a new task trains freely; the others mix the bank.",
        least=0,
        most=1,
    )
    free_outer: int = setting(0, FREE_OUTER_HELP, least=0)
    free_up_to: int = setting(
        0,
        "Older form of --free_outer: train freely all kernels of at most this many values. It frees other layers at "
        "each width.",
        least=0,
        replaced_by="free_outer",
    )
    start: str = setting(
        "first_task",
        "Initial values of a new task: a copy of the first task's model (as in the paper), of the previous task's, or "
        "random. Filters that the bank does not contain are fitted by least squares.",
        choices=("first_task", "previous_task", "random"),
        may_change=True,
    )
    equal_steps: bool = setting(
        False, "Train mixings as fast, relative to their size, as free filters: several times faster than without."
    )
    share_bank: bool = setting(
        False, "cyclegan: each generator mixes the filters of both (twice the bank, as many unconstrained filters)."
    )

    borrow_from: str = setting(
        "all",
        "Earlier tasks that a new one mixes: all (as in the paper); first (every later task then stores as much, and "
        "needs no other task); last:N; closest:N (those with the most similar images); or NAME,NAME (those of them "
        "that are learned by then, else the first).",
        may_change=True,
    )
    auto_free: bool = setting(
        False,
        "Train a layer freely if mixing would not store less: if the bank has at least as many filters as a filter has "
        "weights, as in the U-Net's first layer.",
        may_change=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        BorrowPolicy.of(self.borrow_from)

    def check_tasks(self, tasks):
        BorrowPolicy.of(self.borrow_from).check(tasks)

    def resolve_lenders(self, nearest):
        lenders = BorrowPolicy.of(self.borrow_from)
        if lenders.kind != "closest":
            return self
        return dataclasses.replace(self, borrow_from=as_names(nearest()[: lenders.count]) or "first")

    def borrows(self, learned):
        return BorrowPolicy.of(self.borrow_from).among(learned)

    def recipe(self, site, bank):
        if not bank.names:
            return super().recipe(site, bank)
        lent = bank.lent(*self._lenders(site.path))
        *receptive, filters = lent.shape
        if self.auto_free and filters >= math.prod(receptive):
            return super().recipe(site, bank)
        return site.recipes.Piggyback(
            lent,
            1.0 if 1 <= site.level <= self.free_outer else self.unconstrained_ratio,
            free_up_to=self.free_up_to,
            equal_steps=self.equal_steps,
            initializer=site.initializer,
            seed=site.seed,
        )

    def initialize(self, networks, bank):
        if self.start == "random" or not bank.names:
            return
        former = bank.names[0 if self.start == "first_task" else -1]
        lenders = bank.only(self.borrows(bank.names))  # The filters that the recipes mix.
        lent_all = former == bank.names[0] and former in lenders.names
        for prefix, network in networks.items():
            layers.copy_matching(network, bank[former].values)
            learned = {} if lent_all else layers.made_kernels(bank.network(former, prefix))
            for path, recipe in layers.made_kernels(network).items():
                if not isinstance(recipe, recipes.Piggyback):
                    continue
                if lent_all:
                    recipe.copy_matching(lenders.lent(*self._lenders(path)).copying(former, path))
                elif learned[path].kernel_shape == recipe.kernel_shape:  # Not a first layer of other channels.
                    recipe.fit_to(learned[path].kernel().numpy())

    def _lenders(self, path):
        """Returns the layer paths whose filters the layer at `path` mixes."""
        if not self.share_bank:
            return (path,)
        _, name = path.split("/", 1)
        return f"forward/{name}", f"backward/{name}"


@dataclasses.dataclass(frozen=True)
class Factorized(Piggyback):
    """The paper's pure factorization: Piggyback with λ = 0, so that all filters are mixed."""

    unconstrained_ratio: float = dataclasses.field(default=0.0, init=False)
    free_outer: int = dataclasses.field(default=0, init=False)
    free_up_to: int = dataclasses.field(default=0, init=False)
