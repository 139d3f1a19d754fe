"""Accuracies, cross-entropy and confusion against plain loops."""

import math

import numpy as np
from absl.testing import absltest

from pgtf.metrics.classification import answers, label_figures, probabilities
from pgtf.metrics.measurements import ImageSet

DRAW = np.random.default_rng(0)
SCORES, LABELS = DRAW.normal(size=(40, 12)).astype("float32"), DRAW.integers(0, 12, 40).astype("int32")
IMAGES = ImageSet("test", 40, (8, 8), "whole", "0")


class FiguresTest(absltest.TestCase):
    def test_they_are_those_of_plain_loops(self):
        top1 = top5 = entropy = 0.0
        for scores, label in zip(SCORES.tolist(), LABELS.tolist()):
            order = sorted(range(12), key=lambda place: -scores[place])
            top1 += (order[0] == label) / 40
            top5 += (label in order[:5]) / 40
            entropy += (math.log(sum(map(math.exp, scores))) - scores[label]) / 40
        found = label_figures(SCORES, LABELS, IMAGES)
        for name, value in {"Top1": top1, "Top5": top5, "CE": entropy}.items():
            self.assertAlmostEqual(found[name].value, value, places=6)
        error = math.sqrt(top1 * (1 - top1) / 39)
        self.assertAlmostEqual(found["Top1"].standard_error, error, places=6)

    def test_top_5_needs_ten_classes(self):
        self.assertNotIn("Top5", label_figures(SCORES[:, :9], LABELS % 9, IMAGES))

    def test_equal_scores_are_no_answer(self):
        self.assertEqual(label_figures(np.zeros([40, 3], "float32"), LABELS % 3, IMAGES)["Top1"].value, 0)

    def test_large_scores_do_not_overflow(self):
        self.assertAlmostEqual(
            label_figures(1e4 * SCORES, LABELS, IMAGES)["Top1"].value, (SCORES.argmax(1) == LABELS).mean()
        )
        np.testing.assert_allclose(
            probabilities(np.array([[1000.0, 0.0], [0.0, 0.0]])), [[1, 0], [0.5, 0.5]], atol=1e-9
        )

    def test_confusions_and_the_surest_mistakes(self):
        scores = np.array([[9, 0, 0], [0, 2, 0], [0, 1, 0], [0, 0, 5], [0, 3, 0]], "float32")
        images = [np.full([1, 2, 2, 3], place, "uint8") for place in range(5)]
        found = answers(scores, np.array([0, 0, 1, 1, 0]), images)
        self.assertEqual(found["confusions"].tolist(), [[0, 0, 1], [0, 1, 2], [1, 1, 1], [1, 2, 1]])
        self.assertEqual(found["images"][:, 0, 0, 0].tolist(), [3, 4, 1])
        self.assertEqual((found["labels"].tolist(), found["answers"].tolist()), ([1, 0, 0], [2, 1, 1]))
        self.assertEqual(list(answers(np.eye(3), np.arange(3), images)), ["confusions"])


if __name__ == "__main__":
    absltest.main()
