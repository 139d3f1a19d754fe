"""Export formats are compared with each other, and on a task's own test images."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from pgtf.config import Config, task_plans
from pgtf.evaluation.task_evaluator import TaskEvaluator
from pgtf.experiments.speed import formats
from pgtf.experiments.speed.formats_page import section
from pgtf.metrics.measurements import ImageSet

TINY = task_plans(Config(image_size="16", load_size="16", width=4))[0]


@dataclasses.dataclass(frozen=True)
class Side:
    """Images of one side of a task, in memory."""

    all: np.ndarray
    image_set: ImageSet

    def __iter__(self):
        return iter(self.all)

    def images(self):
        return self.all


class FormatsTest(tf.test.TestCase):
    def test_losses_are_those_of_the_formats_outputs(self):
        targets = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), "uint8")
        side = Side(targets, ImageSet("test", 4, (16, 16), "whole", ""))
        measures = formats.Measures("task", TINY.objective, (side, side), TaskEvaluator(""))
        darker = measures(lambda image: image - np.float32(0.1), lambda image: image)
        self.assertAllClose(darker["differs"], 0.1)
        # In steps of 1/127.5: rounded to 256 levels and cut at black.
        expected = np.abs(np.clip(np.rint(targets - 12.75), 0, 255) - targets).mean() / 127.5
        self.assertAllClose(darker["L1"], expected, atol=1e-3)
        self.assertEqual(darker["images"], 4)

    @pytest.mark.long
    def test_a_network_is_measured_in_each_format(self):
        found = formats.formats(TINY, 1)
        self.assertEqual(found["TFLite float32"]["ratio"], 1.0)
        self.assertEqual(found["TFLite float32"]["differs"], 0.0)
        self.assertLess(found["SavedModel"]["differs"], 1e-5)
        self.assertGreater(found["TFLite int8"]["differs"], found["TFLite float16"]["differs"])

    def test_the_section_says_what_is_lost_and_which_goals_are_met(self):
        def figures(seconds, **more):
            return {"seconds": seconds, "ratio": seconds / 0.1, "megabytes": 20.0, "differs": 0.001, **more}

        random = {"TFLite float32": figures(0.1), "TFLite int8": figures(0.04)}
        about = {"task": "maps", "images": 7, "Acc": 0.5}
        trained = {
            "TFLite float32": figures(0.1, L1=0.2, **{"KID-768": 0.05}, **about),
            "TFLite int8": figures(0.06, L1=0.21, **{"KID-768": 0.051}, **about),
        }
        text = section([({"run": ""}, random), ({"run": "runs/maps"}, trained)], TINY, 3, ["formats"])
        self.assertIn("`pgtf bench --only=formats --image_size=16x16 --load_size=16x16 --width=4", text)
        self.assertIn("| TFLite int8 | 20.0 | 40.0 | 0.40 | 1.0e-03 |\n", text)
        self.assertIn("- TFLite int8 ÷ float32, time: 0.400, asked ≤ 0.5: met", text)
        self.assertIn("The first task of RUN, maps, on its 7 test images:", text)
        self.assertIn("| TFLite int8 | 20.0 | 60.0 | 0.60 | 1.0e-03 | 0.2100 | +5.0 % | 0.0510 | +2.0 % |\n", text)
        self.assertIn("- TFLite int8 ÷ float32, time: 0.600, asked ≤ 0.5: not met", text)
        self.assertIn("- share of KID-768 that int8 loses: 0.020, asked ≤ 0.01: not met", text)
        self.assertNotIn("Acc", text)


if __name__ == "__main__":
    tf.test.main()
