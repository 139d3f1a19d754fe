"""The training step of classification."""

import tensorflow as tf

from pgtf.objectives.learner import Learner


class ClassificationLearner(Learner):
    """Trains a network to score the class of an image highest. Also reports the error rate."""

    LOSSES = ("cross_entropy", "errors")

    def step(self, batch: tuple) -> dict[str, tf.Tensor]:
        reported, _ = self.descend("generators", self._loss, *batch)
        return reported

    def _loss(self, image, label):
        scores = self.generators["forward"](image, training=True)
        entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(label, scores)
        if self.objective.class_balance:
            counts = tf.constant(self.objective.counts, tf.float32)
            entropies *= tf.gather(tf.reduce_sum(counts) / (len(self.objective.counts) * counts), label)
        wrong = tf.cast(tf.argmax(scores, -1, tf.int32) != label, tf.float32)
        terms = {"cross_entropy": tf.reduce_mean(entropies), "errors": tf.reduce_mean(wrong)}
        penalties = self.penalties(forward=(image, scores))
        return terms["cross_entropy"] + sum(penalties.values()), {**terms, **penalties}, ()
