"""PAE, pack and expand, as Hung et al. (NeurIPS 2019, section 4.1) describe it: CPG that always picks all weights.

A task uses the weights that earlier tasks own, unchanged, and trains all weights that no task owns. If it does not
reach its goal, it is trained again in a wider network. Then the task's own weights are pruned in rounds as long as the
goal holds; pruned weights are released to later tasks.

The goal is a distance on training images: every objective can compare pixels, no reference network is needed, and
pruning and width decide about capacity, which training images show. Test images are not used.
"""

import dataclasses
import functools
import math

from pgtf.foundation.errors import CapacityError
from pgtf.foundation.settings import setting
from pgtf.methods.base import Phase
from pgtf.methods.packing import Packing, packed_in


@dataclasses.dataclass(frozen=True)
class Pae(Packing):
    """A later task uses all weights of earlier tasks, trains released ones, and widens the network if needed."""

    most_pruned: float = setting(
        0.9, "Largest fraction of a layer's trained weights that pruning releases.", least=0, most=0.99
    )
    rounds: int = setting(4, "Number of pruning rounds; the goal is checked after each.", above=0)
    tolerance: float = setting(
        0.05, "Undo a pruning round that raises the L1 distance by more than this fraction.", least=0
    )
    goal: float = setting(
        0.0,
        "L1 distance, of images in [-1, 1], that a task must reach before it is pruned (else the network grows), and "
        "may have afterwards. Measured on training images against their targets; unpaired: after the cycle. 0: no "
        "goal. For one task: --override=TASK:goal=0.1.",
        least=0,
        may_change=True,
    )
    grow_by: float = setting(0.25, "Growth of the network at a time, as a fraction of --width.", above=0, most=16)
    most_grown: float = setting(0.5, "Largest growth in all, as a fraction of --width; 0: never.", least=0, most=16)
    needs_distance = True
    plan_note = (
        "These sizes hold if every pruning round keeps the goal and no task grows; a task's size is known when it is "
        "learned."
    )

    def recipe(self, site, bank):
        return site.recipes.Expanded(
            self.parts(site, bank), prune_ratio=self.most_pruned, initializer=site.initializer, inputs=site.inputs
        )

    def candidate_widths(self, width, latest):
        widths, most = [latest], math.floor((1 + self.most_grown) * width + 1e-9)
        while widths[-1] < most:
            widths.append(min(most, widths[-1] + max(1, round(self.grow_by * width))))
        return widths

    def phases(self, steps, context=None):
        after = self.steps_after_pruning(steps)
        rounds = min(self.rounds, after - 1)
        # Last step of each round, and of the steps after the last check of the goal.
        ends = [round(after * number / (rounds + 1)) for number in range(rounds + 2)]
        begins = [functools.partial(self._begin_round, number, rounds, context) for number in range(1, rounds + 1)]
        phases = [
            Phase("learn", steps - after),
            *(Phase(f"round {n}", ends[n] - ends[n - 1], begin) for n, begin in enumerate(begins, 1)),
            Phase("retrain", after - ends[rounds], functools.partial(self._begin_retraining, rounds, context)),
        ]
        return [phase for phase in phases if phase.steps]

    def ratio(self, number: int, rounds: int) -> float:
        """Returns the fraction pruned after a round: grows fast at first, then slower (Zhu and Gupta, 2017, eq. 1)."""
        return self.most_pruned * (1 - (1 - number / rounds) ** 3)

    def _begin_round(self, number, rounds, context, networks):
        if number == 1:
            self._end_learning(context, networks)
        elif not self._goal_holds(context, networks):
            return
        for recipe in packed_in(networks):
            recipe.prune(self.ratio(number, rounds))

    def _end_learning(self, context, networks):
        reached = context.distance(networks)
        if context.wider and 0 < self.goal < reached:
            raise CapacityError(f"L1 is {reached:.4f}; the goal is {self.goal:g}")
        context.limit = max(self.goal, (1 + self.tolerance) * reached)

    def _begin_retraining(self, rounds, context, networks):
        if rounds:
            self._goal_holds(context, networks)
        else:
            self._end_learning(context, networks)

    def _goal_holds(self, context, networks):
        """Returns whether the last round kept the goal. If not, undoes it and makes all later checks fail."""
        holds = context.distance(networks) <= context.limit
        if not holds:
            context.limit = -math.inf
            for recipe in packed_in(networks):
                recipe.undo()
        return holds
