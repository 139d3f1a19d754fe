"""Layered: a method for each group of layers, and the precision in which the group is stored."""

import dataclasses
import functools

from pgtf import layers
from pgtf.foundation.settings import refuse, setting
from pgtf.methods.base import Method, Phase
from pgtf.methods.frozen import Frozen
from pgtf.methods.full import Full
from pgtf.methods.layer_rules import FORM, GROUPS, KINDS, LayerRule, parsed

_KINDS = ", ".join(kind + (f"({', '.join(names)})" if names else "") for kind, (_, names, _) in KINDS.items())


@dataclasses.dataclass(frozen=True)
class Layered(Method):
    """A later task starts as the first one, and makes the kernels of each group of layers by another method."""

    layers: str = setting(
        "outer4:free,inner:piggyback(0.125)",
        f"Rules for the layers of later tasks: {FORM}. A kernel follows the first rule whose group contains it. "
        f"Groups: {GROUPS}. outerN is the N outer levels (as --free_outer=N), outer is outer4, inner is all other "
        f"kernels, head is the task-specific layers. Kinds: {_KINDS}. Precision: as for --slice_precision, which holds "
        "where a rule has none.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rules  # noqa: B018  (rejects malformed text)

    @functools.cached_property
    def rules(self) -> tuple[LayerRule, ...]:
        """The rules, in order."""
        return parsed(self.layers)

    @property
    def learns_together(self):  # type: ignore[override]
        """Whether tasks can be trained jointly: each kernel is free, or the first task's."""
        return all(isinstance(rule.method, (Full, Frozen)) for rule in self.rules)

    def borrows(self, learned):
        lenders = {*learned[:1], *(name for rule in self.rules for name in rule.method.borrows(learned))}
        return [name for name in learned if name in lenders]

    def recipe(self, site, bank):
        if not bank.names:
            return super().recipe(site, bank)
        rule = self._rule_of(site)
        if rule is None:
            refuse("layers", "with a rule for every kernel, such as inner:frozen at the end", f"none for {site.path}")
        recipe = rule.method.recipe(site, bank.only(rule.method.borrows(bank.names)))
        recipe.precision = rule.precision
        return recipe

    def head(self, site, bank):
        recipe = super().head(site, bank)
        rule = self._rule_of(site) if bank.names else None
        if rule is not None:
            if not isinstance(rule.method, Full):
                refuse("layers", f"free for {site.path}, which no task borrows", rule.group)
            recipe.precision = rule.precision
        return recipe

    def _rule_of(self, site):
        return next((rule for rule in self.rules if rule.fits(site)), None)

    def vector_precision(self, kind, bank):
        given = (rule.precision for rule in self.rules if bank.names and rule.group == kind)
        return next(given, "") or super().vector_precision(kind, bank)

    def check(self, kernels):
        for rule in self.rules:
            if rule.is_pattern and not any(map(rule.names, kernels)):
                refuse("layers", f"of layers that the network has: {_names(kernels)}", rule.group)
        for method in {rule.method for rule in self.rules}:
            method.check(kernels)

    def phases(self, steps, context=None):
        begins: dict[int, list[Phase]] = {}
        for method in dict.fromkeys(rule.method for rule in self.rules):
            start = 0
            for phase in method.phases(steps, context):
                begins.setdefault(start, []).append(phase)
                start += phase.steps
        starts = [*sorted(begins), steps]
        return [
            Phase(begins[start][0].name, end - start, _all([phase.begin for phase in begins[start]]))
            for start, end in zip(starts, starts[1:])
        ]

    def initialize(self, networks, bank):
        if bank.names:
            for network in networks.values():
                layers.copy_matching(network, bank[bank.names[0]].values)
        for method in {rule.method for rule in self.rules}:
            method.initialize(networks, bank)


def _all(begins):
    """Returns a function that calls all of these."""

    def begin(networks):
        for one in begins:
            one(networks)

    return begin


def _names(kernels):
    return ", ".join(dict.fromkeys(path.split("/", 1)[1] for path in kernels))
