"""One network, tuned on and on: where a task begins, who plays it, what is stored."""

import dataclasses
import tempfile

import tensorflow as tf

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import plan, summary
from pgtf.assembly.replay import outputs
from pgtf.config import load_config
from pgtf.methods import Finetune
from pgtf.networks import Architecture
from pgtf.runs.run import Run
from pgtf.runs.verify import conclusion, verdicts
from pgtf.serving.direction import Direction
from tests.tiny import plan_of, tiny_run


class FinetuneTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tiny_run(tempfile.mkdtemp(), method="finetune")
        cls.run_ = Run(cls.folder)

    def test_a_task_begins_as_the_previous_one_ended(self):
        config = dataclasses.replace(load_config(self.folder), discriminator_width=2, discriminator_layers=1)
        learner = build.learner(plan_of(config, 2), self.run_.bank, steps=10)
        begun, ended = layers.state(learner.generators["forward"]), self.run_.bank.slice(1).values
        self.assertCountEqual(begun, ended)
        for path, value in begun.items():
            self.assertAllEqual(value, ended[path], path)

    def test_the_latest_network_plays_every_task_with_its_own_facts_and_probes(self):
        first, second = self.run_["facades"], self.run_["maps"]
        self.assertEqual(first.slice.sha256, second.slice.sha256)
        self.assertEqual((first.name, first.facts), ("facades", self.run_.bank.slice(0).facts))
        image = first.probes.inputs["forward"][0]
        self.assertAllEqual(first(image), second(image))

    def test_an_old_task_is_exported_as_the_latest_network_plays_it(self):
        first, second = (Direction(self.run_[name], "forward") for name in ("facades", "maps"))
        images, expected = first.shown()
        self.assertAllEqual(images, self.run_["facades"].probes.inputs["forward"])
        self.assertAllEqual(expected, outputs(second.live, images))
        self.assertAllEqual(second.shown()[1], self.run_["maps"].probes.outputs["forward"])

    def test_verification_proves_the_slices_and_says_who_plays(self):
        found = list(verdicts(self.folder))
        self.assertTrue(all(verdict.holds for verdict in found))
        self.assertIn("bit for bit", conclusion(found))
        self.assertRegex(str(found[0]), "bit-equal; answered by maps now$")
        self.assertRegex(str(found[1]), "bit-equal$")

    def test_the_total_is_one_network(self):
        found = plan(("one", "two", "three"), Architecture("unet", (8, 8), width=4), Finetune(), ("forward",))
        facts = summary(found)
        each = [task["bytes"] for task in facts["tasks"]]
        self.assertEqual(each, [each[0]] * 3)
        self.assertEqual((facts["total"]["bytes"], facts["total"]["share"]), (each[0], 1 / 3))
        self.assertEqual({cost.task for cost in found if cost.kept}, {"three"})


if __name__ == "__main__":
    tf.test.main()
