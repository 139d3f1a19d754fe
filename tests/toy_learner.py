"""The step of the toy objective; see tests/toys.py."""

import tensorflow as tf

from pgtf.objectives.learner import Learner


class ScoreLearner(Learner):
    """Learns an image's score."""

    LOSSES = ("squared",)

    def step(self, batch):
        reported, _ = self.descend("generators", self._loss, *batch)
        return reported

    def _loss(self, image, label):
        scores = self.generators["forward"](image, training=True)
        squared, penalties = tf.reduce_mean(tf.square(scores - label)), self.penalties(forward=(image, scores))
        loss = self.objective.weight * squared + sum(penalties.values())
        return loss, {"squared": squared, **penalties}, (scores,)
