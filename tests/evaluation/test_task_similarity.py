"""Tasks are ranked by their images, by their inputs and by their targets."""

import numpy as np
import tensorflow as tf

from pgtf.assembly import build
from pgtf.data import drawn
from pgtf.evaluation.task_similarity import ranked_by_similarity
from pgtf.methods import Full
from pgtf.networks import Architecture
from pgtf.storage.probes import Probes


def probes(task, first, paired=True):
    inputs, targets = (np.stack(side) for side in zip(*(drawn.draw(task, first + n, 32) for n in range(4))))
    return (
        Probes({"forward": inputs}, {"forward": targets})
        if paired
        else Probes({"forward": inputs, "backward": targets}, {})
    )


class TaskSimilarityTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        architecture = Architecture("unet", (32, 32), width=8)
        self.network = build.generators(architecture, Full(), ("forward",), seed=1)["forward"]

    def test_other_images_of_a_task_are_closest_and_then_those_that_share_a_side(self):
        for paired in (True, False):
            others = {task: probes(task, 100, paired) for task in drawn.TASKS}
            for task, second in (("photo2monet", "photo2ukiyoe"), ("photo2ukiyoe", "photo2monet"), ("maps", None)):
                found = ranked_by_similarity(self.network, probes(task, 0, paired), others)
                self.assertCountEqual(found, drawn.TASKS)
                self.assertEqual(found[0], task)
                if second:
                    self.assertEqual(found[1], second)

    def test_inputs_and_targets_are_not_taken_for_each_other(self):
        one = probes("facades", 0)
        turned = Probes({"forward": one.targets["forward"]}, {"forward": one.inputs["forward"]})
        found = ranked_by_similarity(self.network, one, {"turned": turned, "same": probes("facades", 100)})
        self.assertEqual(found, ["same", "turned"])

    def test_none_are_ranked_where_there_are_none(self):
        self.assertEqual(ranked_by_similarity(self.network, probes("maps", 0), {}), [])


if __name__ == "__main__":
    tf.test.main()
