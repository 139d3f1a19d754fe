"""CPG (Hung et al., NeurIPS 2019, algorithm 1): compacting, picking and growing.

A task picks weights of earlier tasks by a mask, which it learns together with all weights that nobody owns. Where its
goal is not met it does so again, in a wider network. Then the mask stays, and its own weights are pruned in rounds,
for as long as the goal holds; what is pruned is released to the tasks to come.

The goal is a distance on images that the task learns from: pixels, which every objective can compare, need no reference
network, and what pruning and width decide is what a network can hold. Test images stay unseen.
"""

import dataclasses
import functools
import math

from pgtf import recipes
from pgtf.foundation.settings import setting
from pgtf.methods.base import CapacityError, Phase
from pgtf.methods.packing import Packing, packed_in


@dataclasses.dataclass(frozen=True)
class Cpg(Packing):
    """A later task picks weights of the earlier ones, learns released ones, and widens the network where it has to."""

    most_pruned: float = setting(
        0.9, "The most that a task releases of the weights that it learnt, in each layer.", least=0, most=0.99
    )
    rounds: int = setting(4, "In how many rounds; each ends with a look at the goal.", above=0)
    tolerance: float = setting(
        0.05, "A round of pruning is taken back where the L1 distance is by more than this share what it was.", least=0
    )
    goal: float = setting(
        0.0,
        "The L1 distance, of images in [-1, 1] on the way to their targets (unpaired: there and back), that a task has "
        "to reach before it is pruned, else the network grows, and may keep when it is; it is measured on images that "
        "the task learns from. 0: none. For one task: --override=TASK:goal=0.1.",
        least=0,
        may_change=True,
    )
    grow_by: float = setting(0.25, "By how much the network widens at a time, of the run's --width.", above=0, most=16)
    most_grown: float = setting(0.5, "By how much in all, at most; 0: it never grows.", least=0, most=16)
    mask_learning_rate: float = setting(
        1e-4, "Adam's for the scores that masks are learnt as; it falls as the run's does.", above=0
    )

    plan_note = (
        "cpg: if every round of pruning keeps its goal and no task grows; what a task owns is known once it is learnt"
    )

    def recipe(self, place, bank):
        return recipes.Picked(
            self.parts(place, bank),
            prune_ratio=self.most_pruned,
            initializer=place.initializer,
            learning_rate=self.mask_learning_rate,
            inputs=place.inputs,
        )

    def candidate_widths(self, width, latest):
        widths, most = [latest], math.floor((1 + self.most_grown) * width + 1e-9)
        while widths[-1] < most:
            widths.append(min(most, widths[-1] + max(1, round(self.grow_by * width))))
        return widths

    def phases(self, steps, trial=None):
        after = self.steps_after_pruning(steps)
        rounds = min(self.rounds, after - 1)
        # Of each round, and of the steps after the last look at the goal.
        ends = [round(after * number / (rounds + 1)) for number in range(rounds + 2)]
        begins = [functools.partial(self._begin_round, number, rounds, trial) for number in range(1, rounds + 1)]
        phases = [
            Phase("learn", steps - after),
            *(Phase(f"round {n}", ends[n] - ends[n - 1], begin) for n, begin in enumerate(begins, 1)),
            Phase("retrain", after - ends[rounds], functools.partial(self._begin_retraining, rounds, trial)),
        ]
        return [phase for phase in phases if phase.steps]

    def ratio(self, number: int, rounds: int) -> float:
        """What is pruned by a round: much at first, then less and less (Zhu and Gupta, 2017, equation 1)."""
        return self.most_pruned * (1 - (1 - number / rounds) ** 3)

    def _begin_round(self, number, rounds, trial, networks):
        if number == 1:
            self._end_learning(trial, networks)
        elif not self._goal_holds(trial, networks):
            return
        for recipe in packed_in(networks):
            recipe.prune(self.ratio(number, rounds))

    def _end_learning(self, trial, networks):
        reached = trial.distance(networks)
        if trial.wider and 0 < self.goal < reached:
            raise CapacityError(f"L1 is {reached:.4f}, where the goal is {self.goal:g}")
        trial.limit = max(self.goal, (1 + self.tolerance) * reached)
        for recipe in packed_in(networks):
            recipe.fix()

    def _begin_retraining(self, rounds, trial, networks):
        if rounds:
            self._goal_holds(trial, networks)
        else:
            self._end_learning(trial, networks)

    def _goal_holds(self, trial, networks):
        """Whether the last round kept the goal; else it is taken back, and no goal holds any more."""
        holds = trial.distance(networks) <= trial.limit
        if not holds:
            trial.limit = -math.inf
            for recipe in packed_in(networks):
                recipe.undo()
        return holds
