"""The label network on made pairs: each label colour has its own texture in the photo."""

import os

import numpy as np
import pytest
import tensorflow as tf

from pgtf.evaluation.label_recovery import label_network, recovery_figures
from pgtf.metrics.measurements import ImageSet

pytestmark = pytest.mark.usefixtures("step_by_step")

COLOURS = np.array([[0, 0, 200], [200, 0, 0], [0, 200, 0]], "uint8")
STEPS, WIDTH = 24, 8  # Enough steps to know the three colours.


def pairs(n, seed):
    """(photos, label images) [n, 48, 48, 3] of random blocks: a stripe or a plain gray of its own for each colour."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=(n, 4, 4)).repeat(12, axis=1).repeat(12, axis=2)
    textures = np.full([3, 48, 48], 200)
    textures[1] = 60
    textures[2, :, ::4] = textures[2, :, 1::4] = 60  # As bright as the two others together.
    photos = np.take_along_axis(textures[None], labels[:, None], axis=1)[:, 0]
    photos = np.clip(photos[..., None] + rng.normal(0, 8, (n, 48, 48, 3)), 0, 255)
    return photos.astype("uint8"), COLOURS[labels]


TRAIN, HELD_OUT, GENERATED = pairs(40, 0), pairs(6, 1), pairs(8, 2)
SET = ImageSet("test", 8, (48, 48), "right half", "hash")


@pytest.mark.long
class LearnedLabelNetworkTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = os.path.join(cls.get_temp_dir(cls()), "label networks")
        cls.found = label_network(folder, "made", lambda: (TRAIN, HELD_OUT), steps=STEPS, width=WIDTH)

    def test_knows_the_colours_and_real_held_out_photos(self):
        self.assertCountEqual(self.found.colours.tolist(), COLOURS.tolist())
        self.assertGreater(self.found.held_out["accuracy"], 0.9)
        self.assertGreater(self.found.held_out["mean_iou"], 0.8)
        self.assertEqual(self.found.recovery(*HELD_OUT).accuracy, self.found.held_out["accuracy"])

    def test_a_perfect_generator_scores_near_1_and_a_shuffled_one_chance(self):
        photos, labels = GENERATED
        self.assertGreater(self.found.recovery(photos, labels).accuracy, 0.9)
        shuffled = self.found.recovery(photos, np.roll(labels, 1, axis=0))
        self.assertBetween(shuffled.accuracy, 1 / 3 - 0.1, 1 / 3 + 0.1)
        self.assertLess(shuffled.mean_iou, 0.3)
        turned = self.found.recovery(photos, labels.transpose(0, 2, 1, 3))
        self.assertLess(turned.accuracy, 0.6)  # The diagonal is right.


class LabelNetworkTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = os.path.join(cls.get_temp_dir(cls()), "label networks")
        cls.found = label_network(cls.folder, "made", lambda: (TRAIN, HELD_OUT), steps=1, width=WIDTH)

    def test_figures_state_the_network_s_own_accuracy_on_real_photos(self):
        figures = recovery_figures(self.found, *GENERATED, SET)
        score = self.found.recovery(*GENERATED)
        self.assertEqual([figures[name].value for name in figures], [score.accuracy, score.mean_iou])
        for figure, name in zip(figures.values(), ("accuracy", "mean_iou")):
            self.assertEqual(figure.notes, (f"real held-out photos have {self.found.held_out[name]:.3f}",))
            self.assertEqual((figure.generated, figure.extractor), (SET, self.found.extractor.facts))
        with self.assertRaisesRegex(ValueError, "all 8 images of the set"):
            recovery_figures(self.found, *HELD_OUT, SET)

    def test_is_read_back_without_an_image(self):
        again = label_network(self.folder, "made", self.fail, steps=1, width=WIDTH)
        self.assertEqual((again.extractor.facts, again.held_out), (self.found.extractor.facts, self.found.held_out))
        self.assertAllEqual(again.classes(GENERATED[0]), self.found.classes(GENERATED[0]))

    @pytest.mark.long
    def test_is_deterministic_from_its_seed_and_other_facts_are_another_one(self):
        folder = self.create_tempdir().full_path
        draws = []
        for name, seed in (("a", 0), ("b", 0), ("a", 1)):
            np.random.seed(3)
            tf.random.set_seed(3)
            found = label_network(folder, name, lambda: (TRAIN, HELD_OUT), steps=1, seed=seed, width=WIDTH)
            draws.append((found.classes(HELD_OUT[0]), np.random.uniform(), float(tf.random.uniform([]))))
        self.assertLen(os.listdir(folder), 3)
        self.assertGreater(np.mean(draws[0][0] == draws[1][0]), 0.999)
        self.assertLess(np.mean(draws[0][0] == draws[2][0]), 0.99)
        self.assertEqual(draws[0][1:], draws[2][1:])

    def test_pairs_that_do_not_fit_are_refused(self):
        folder = self.create_tempdir().full_path
        for bad in ((TRAIN[0][:3], TRAIN[1]), (TRAIN[0].astype("float32"), TRAIN[1])):
            with self.assertRaisesRegex(ValueError, "Received: "):
                label_network(folder, "bad", lambda bad=bad: (bad, HELD_OUT), steps=0)


if __name__ == "__main__":
    tf.test.main()
