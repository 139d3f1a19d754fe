"""Points of a curve while a task is learnt, the best of them, and what a task keeps."""

import contextlib
import io
import json
import os

import tensorflow as tf
from absl.testing import parameterized
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from pgtf.data.streams import Stream
from pgtf.methods import Phase
from pgtf.training.curve_points import CurvePoint
from pgtf.training.loop import Intervals, learn
from tests.training import test_loop

STEPS = 7


class Curve:
    """Points by the step: loss |step - at|; remembers the steps and what the generator's kernel was then."""

    def __init__(self, toy, at=4, interrupted=0):
        self.toy, self.at, self.interrupted = toy, at, interrupted
        self.steps, self.kernels = [], []

    def __call__(self, networks):
        step = int(self.toy.steps_done)
        if step == self.interrupted:
            raise KeyboardInterrupt
        self.steps.append(step)
        self.kernels.append(kernel(self.toy))
        return CurvePoint({"FID-768": 10.0 * step, "L1": 0.5}, abs(step - self.at), {"FID-768": "eyes (12)"})


def kernel(toy):
    return toy.generators["forward"].layers[0].kernel.numpy()


class PointsTestCase(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.log = os.path.join(self.folder, "log.jsonl")

    def learnt(self, folder="a", steps=STEPS, phases=(), ema=0.0, keep_best=True, at=4, interrupted=0, **more):
        """A toy after learning, its curve, and what was said; more: of learn and of its intervals."""
        toy, said = test_loop.Toy(test_loop.adam), io.StringIO()
        if ema:
            toy.with_ema(ema)
        self.toy, self.curve = toy, Curve(toy, at, interrupted)
        intervals = {"steps_per_call": 1, "evaluate_every": 2, "sample_every": more.pop("sample_every", 1000)}
        with contextlib.redirect_stdout(said):
            learn(
                toy,
                Stream([test_loop.Noise()], 3, 3, seed=4),
                phases or (Phase("learn", steps),),
                os.path.join(self.folder, folder),
                title="task",
                log=self.log,
                intervals=Intervals(**intervals),
                measure=self.curve,
                keep_best=keep_best,
                **more,
            )
        self.said = said.getvalue()
        return toy


class PointsTest(PointsTestCase):
    def test_every_few_steps_and_at_the_end_to_the_log_and_to_tensorboard(self):
        self.learnt(keep_best=False)
        self.assertEqual(self.curve.steps, [2, 4, 6, 7])
        with open(self.log) as file:
            lines = [line for line in map(json.loads, file) if "evaluation" in line]
        self.assertEqual([line["step"] for line in lines], [2, 4, 6, 7])
        self.assertRegex(lines[1].pop("time"), r"^\d{4}-\d\d-\d\dT")
        values = {"evaluation": {"FID-768": 40.0, "L1": 0.5}, "measured_by": {"FID-768": "eyes (12)"}}
        self.assertEqual(lines[1], {"task": "task", "step": 4, **values})
        found = {}
        for name in os.listdir(os.path.join(self.folder, "a")):
            if name.startswith("events"):
                for event in EventFileLoader(os.path.join(self.folder, "a", name)).Load():
                    for value in event.summary.value:
                        found.setdefault(value.tag, []).append((event.step, tf.make_ndarray(value.tensor).item()))
        self.assertEqual(found["evaluation/FID-768"], [(2, 20.0), (4, 40.0), (6, 60.0), (7, 70.0)])

    def test_measuring_changes_nothing_that_is_learnt(self):
        for ema in (0.0, 0.5):
            measured = self.learnt(f"measured {ema}", ema=ema, keep_best=False)
            plain = test_loop.Toy(test_loop.adam)
            if ema:
                plain.with_ema(ema)
            stream = Stream([test_loop.Noise()], 3, 3, seed=4)
            phases, folder = (Phase("learn", STEPS),), os.path.join(self.folder, f"plain {ema}")
            with contextlib.redirect_stdout(io.StringIO()):
                learn(plain, stream, phases, folder, title="task", log=self.log)
            self.assertAllEqual(kernel(measured), kernel(plain))

    def test_the_network_is_measured_and_shown_as_it_would_be_kept(self):
        shown = []

        def draw(networks):
            shown.append(kernel(self.toy))
            return {}

        toy = self.learnt(ema=0.5, keep_best=False, draw=draw, sample_every=1)
        self.assertLen(shown, STEPS)
        self.assertAllEqual(self.curve.kernels[:3], [shown[1], shown[3], shown[5]])
        self.assertAllEqual(kernel(toy), shown[-1])


class BestTest(PointsTestCase):
    def test_the_weights_of_the_best_point_are_kept(self):
        toy = self.learnt()
        self.assertIn("task: keeps step 4, the best point\n", self.said)
        self.assertAllEqual(kernel(toy), self.curve.kernels[1])
        self.assertNotAllEqual(kernel(toy), self.curve.kernels[2])
        self.assertAllEqual(kernel(toy), kernel(self.learnt("four", steps=4, keep_best=False)))

    def test_of_equal_points_the_first_and_of_all_the_last_too(self):
        for at, kept in ((5, 4), (99, STEPS)):
            self.learnt(f"best near {at}", at=at)
            self.assertIn(f"keeps step {kept}, ", self.said)

    def test_without_it_the_last_weights(self):
        self.assertAllEqual(kernel(self.learnt("last", keep_best=False)), self.curve.kernels[-1])
        self.assertNotIn("best point", self.said)

    def test_the_average_of_the_best_point(self):
        toy = self.learnt(ema=0.5)
        self.assertAllEqual(kernel(toy), self.curve.kernels[1])

    @parameterized.named_parameters(("at_1_long", 1), ("at_4", 4), ("at_6_long", 6))
    def test_interrupted_it_goes_on_to_the_same_end(self, at):
        whole = self.learnt("whole", ema=0.5)

        def interrupt(networks):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.learnt("parts", ema=0.5, draw=interrupt, sample_every=at)
        parts = self.learnt("parts", ema=0.5)
        self.assertAllEqual(kernel(whole), kernel(parts))
        self.assertEqual(self.curve.steps, [step for step in (2, 4, 6, 7) if step > at])

    @parameterized.named_parameters(("at_4", 4), ("at_7_long", 7))
    def test_interrupted_while_it_measures_it_measures_that_point_again(self, at):
        whole = self.learnt("whole")
        with self.assertRaises(KeyboardInterrupt):
            self.learnt("parts", interrupted=at)
        parts = self.learnt("parts")
        self.assertEqual(self.curve.steps, [step for step in (2, 4, 6, 7) if step >= at])
        self.assertAllEqual(kernel(whole), kernel(parts))

    def test_a_learnt_task_gives_them_again(self):
        toy = self.learnt()
        again = self.learnt()
        self.assertEmpty(self.curve.steps)
        self.assertAllEqual(kernel(toy), kernel(again))

    def test_points_of_the_last_phase_only(self):
        phases = (Phase("learn", 3), Phase("again", 4))
        toy = self.learnt(phases=phases, at=0)
        self.assertEqual(self.curve.steps, [2, 4, 6, 7])
        self.assertIn("keeps step 4, ", self.said)
        self.assertAllEqual(kernel(toy), self.curve.kernels[1])


if __name__ == "__main__":
    tf.test.main()
