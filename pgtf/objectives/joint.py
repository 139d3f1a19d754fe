"""Joint training of several tasks, in networks that share variables (Webster et al., section 3.1)."""

import collections
import threading
from collections.abc import Mapping

import keras
import tensorflow as tf

from pgtf.distribution import replicas
from pgtf.foundation import keras_versions
from pgtf.objectives.learner import Learner
from pgtf.objectives.means import Mean


class JointLearner(Learner):
    """Trains several tasks at once. One optimizer updates all generators; each task updates its discriminators.

    A variable that several tasks' generators share is updated by the sum of their gradients, which minimizes the sum
    of the tasks' losses. With Adam the mean would give the same updates.

    Args:
      learners: {task: its learner}, each with an optimizer of its discriminators only.
      optimizer: Optimizer of all generators.
    """

    def __init__(self, learners: Mapping[str, Learner], optimizer: keras.optimizers.Optimizer) -> None:
        generators = {
            f"{task}/{name}": network for task, one in learners.items() for name, network in one.generators.items()
        }
        super().__init__(generators, {}, {"generators": optimizer}, next(iter(learners.values())).objective)
        names = [f"{task}/{name}" for task, one in learners.items() for name in one.means]
        self.means.update({name: Mean(name) for name in names})
        # `pairs`: [(gradient, variable), …] that the tasks' learners add within a step. Each replica has a thread.
        self._asked = threading.local()
        self.learners = {task: one.delegate_updates(optimizer, self._ask) for task, one in learners.items()}

    def trained(self, kind: str) -> list[tf.Variable]:
        return list({id(variable): variable for variable in super().trained(kind)}.values())  # Without duplicates.

    def step(self, batch: tuple) -> dict[str, tf.Tensor]:
        """Trains on one batch of each task, in the order of the learners. Returns {task/loss: loss}."""
        self._asked.pairs = []
        reported = {}
        for (task, one), own in zip(self.learners.items(), batch):
            reported.update({f"{task}/{name}": loss for name, loss in one.step(own).items()})
        keras_versions.apply_gradients(self.optimizers["generators"], self._sums(), replicas=replicas.count())
        return reported

    def _ask(self, pairs):
        self._asked.pairs.extend(pairs)

    def _sums(self):
        gradients = collections.defaultdict(list)
        for gradient, variable in self._asked.pairs:
            if gradient is not None:
                gradients[id(variable)].append(gradient)
        return [
            (tf.add_n(gradients[id(variable)]), variable)
            for variable in self.trained("generators")
            if id(variable) in gradients
        ]
