"""Checks which settings a resumed run keeps, and which may change."""

import dataclasses

from absl.testing import absltest

from pgtf.config import Config, resumed
from pgtf.foundation.errors import Contradiction
from pgtf.methods import Full, Piggyback
from pgtf.objectives import CycleGAN, Pix2Pix


class ResumedTest(absltest.TestCase):
    RUN = Config(
        run_dir="runs/one", tasks=("maps", "edges"), direction=("edges:BtoA",), image_size="64", width=8, steps=5
    )

    def resumed(self, learnt=("maps", "edges"), **changes):
        asked = dataclasses.replace(self.RUN, **changes)
        self.assertEqual(resumed(self.RUN, asked, learnt), asked)

    def refused(self, rule, learnt=("maps", "edges"), **changes):
        with self.assertRaisesRegex(ValueError, rule):
            resumed(self.RUN, dataclasses.replace(self.RUN, **changes), learnt)

    def test_the_same_again(self):
        self.resumed()

    def test_a_contradiction_is_refused_with_both_values(self):
        self.refused("Received: --width=9, where runs/one has 8", width=9)
        self.refused("Received: --method='full', where runs/one has 'piggyback'", method=Full())
        self.refused("Received: --unconstrained_ratio=0.5, where runs/one has 0.25", method=Piggyback(0.5))
        self.refused("Received: --objective='cyclegan', where runs/one has 'pix2pix'", objective=CycleGAN())
        self.refused("Received: --l1_weight=3.0, where runs/one has 100.0", objective=Pix2Pix(3.0))

    def test_also_where_it_is_the_default(self):
        self.refused("--width=64, .* has 8", width=64)

    def test_another_setting_for_a_coming_task_names_the_way_out(self):
        new = dict(tasks=("maps", "edges", "facades"))
        self.refused(
            "with --override=facades:steps=20, or choose another --run_dir.* --steps=20, where .* 5", steps=20, **new
        )
        self.refused("--override=facades:steps=9,ema=0.5, .* has 5, 0.0", steps=9, ema=0.5, **new)
        for changes in (dict(steps=20), dict(width=9, **new), dict(steps=9, width=9, **new)):
            with self.assertRaises(Contradiction) as caught:
                resumed(self.RUN, dataclasses.replace(self.RUN, **changes), ("maps", "edges"))
            self.assertNotIn("--override", str(caught.exception))

    def test_habits_may_change(self):
        self.resumed(log_every=7, bad_images="skip", steps_per_call=3, run_dir="runs/moved", data_dir="/data/moved")

    def test_new_tasks_go_to_the_end(self):
        self.resumed(tasks=("maps", "edges", "facades"), direction=("edges:BtoA", "facades:BtoA"))
        for tasks in (("edges", "maps"), ("maps",), ("maps", "facades", "edges")):
            self.refused("new ones go to the end. .*has learned maps,edges", tasks=tasks, direction=())

    def test_a_task_that_is_not_learnt_may_still_change(self):
        for tasks in (("maps",), ("maps", "facades", "edges"), ("maps", "facades")):
            self.resumed(learnt=("maps",), tasks=tasks, direction=())

    def test_a_direction_stays(self):
        for direction in (("maps:BtoA", "edges:BtoA"), ("edges:AtoB",), ()):
            self.refused("can't change its --direction", direction=direction)
        self.resumed(learnt=("maps",), direction=())


if __name__ == "__main__":
    absltest.main()
