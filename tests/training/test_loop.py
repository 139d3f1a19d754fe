"""Learning one task on a toy: the loop, its callbacks, and going on after an interruption."""

import contextlib
import dataclasses
import io
import json
import os
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from pgtf.config import Config
from pgtf.data.sources import Source
from pgtf.data.streams import Stream
from pgtf.foundation import settings
from pgtf.foundation.errors import Diverged, ImageError
from pgtf.foundation.keras_versions import checkpointed
from pgtf.layers import Dropout
from pgtf.methods import Phase
from pgtf.objectives.learner import Learner
from pgtf.objectives.optimizers import LinearDecay
from pgtf.training import callbacks
from pgtf.training.callbacks import DrawSamples, EveryNSteps, ShowProgress
from pgtf.training.checkpoints import Checkpoints, remove_checkpoints
from pgtf.training.loop import Intervals, learn
from tests.terminal import Terminal

pytestmark = pytest.mark.usefixtures("step_by_step")

STEPS = 7
ONE_PHASE = (Phase("learn", STEPS),)


class Noise(Source):
    """A source of random images; number `broken` can't be read."""

    images, height, width = 1, 4, 4

    def __init__(self, broken=None):
        self.broken = broken

    def __len__(self):
        return 5

    def __getitem__(self, index):
        if index == self.broken:
            raise ImageError("Received: holiday.png")
        return np.random.default_rng(index).integers(0, 256, (1, 4, 4, 3), dtype="uint8")


class Toy(Learner):
    """Two small networks, with all that a resume must not lose: optimizers, a schedule, dropout, running means."""

    LOSSES = ("up", "down")

    def __init__(self, optimizer):
        def network():
            return keras.Sequential(
                [
                    keras.Input((None, None, 3)),
                    keras.layers.Conv2D(2, 1, kernel_initializer="ones"),
                    Dropout(0.5, seed=1),
                ]
            )

        optimizers = {"generators": optimizer(), "discriminators": optimizer()}
        super().__init__({"forward": network()}, {"discriminator": network()}, optimizers, None)

    def step(self, batch):
        with tf.GradientTape(persistent=True) as tape:
            up = tf.reduce_mean((self.generators["forward"](batch[0], training=True) - 3) ** 2)
            down = tf.reduce_mean((self.discriminators["discriminator"](batch[0], training=True) + 1) ** 2)
        self.minimize("generators", tape, up)
        self.minimize("discriminators", tape, down)
        return {"up": up, "down": down}


def adam():
    return keras.optimizers.Adam(LinearDecay(0.1, 2, 2 * STEPS))


def scaled_adam():
    return keras.mixed_precision.LossScaleOptimizer(adam(), initial_scale=4.0, dynamic_growth_steps=2)


def diverging():
    """Fine for four steps; the fifth goes astray, and the losses of the sixth show it."""
    return keras.optimizers.SGD(keras.optimizers.schedules.PiecewiseConstantDecay([3], [1e-2, 1e30]))


class LearnTestCase(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.log = os.path.join(self.folder, "log.jsonl")

    def learnt(self, folder="a", optimizer=adam, source=None, draw=None, phases=ONE_PHASE, **intervals):
        """A toy after learning, its place under `folder`, and what was said."""
        toy = Toy(optimizer)
        self.toy, self.said = toy, io.StringIO()
        intervals = Intervals(**{"steps_per_call": 1, "log_every": 3, "checkpoint_minutes": 5, **intervals})
        with contextlib.redirect_stdout(self.said):
            learn(
                toy,
                Stream([source or Noise()], 3, 3, seed=4),
                phases,
                os.path.join(self.folder, folder),
                title="task 1/2 maps",
                log=self.log,
                intervals=intervals,
                draw=draw,
                text="--width=2",
            )
        return toy

    def lines(self):
        with open(self.log) as file:
            return [json.loads(line) for line in file]

    def summaries(self, folder="a"):
        """{tag: [(step, value), …]} of all that went to TensorBoard."""
        found = {}
        for name in sorted(os.listdir(os.path.join(self.folder, folder))):
            if name.startswith("events"):
                for event in EventFileLoader(os.path.join(self.folder, folder, name)).Load():
                    for value in event.summary.value:
                        found.setdefault(value.tag, []).append((event.step, tf.make_ndarray(value.tensor)))
        return found

    def assertSameState(self, first, second):
        for a, b in zip(first.generators["forward"].variables, second.generators["forward"].variables):
            self.assertAllEqual(a, b)
        for who, optimizer in first.optimizers.items():
            self.assertNotEmpty(optimizer.variables)
            values = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
            others = second.optimizers[who].variables
            for a, b in zip(values, others() if callable(others) else others):
                self.assertAllEqual(a, b)


class LearnTest(LearnTestCase):
    @parameterized.parameters(3, 10)
    def test_how_many_steps_a_call_makes_changes_nothing(self, steps_per_call):
        tf.config.run_functions_eagerly(False)  # The other tests are not traced.
        self.addCleanup(tf.config.run_functions_eagerly, True)
        self.assertSameState(self.learnt("a"), self.learnt("b", steps_per_call=steps_per_call))
        self.assertEqual(int(self.toy.steps_done), STEPS)

    @parameterized.named_parameters(("adam", 1, adam), ("scaled_adam_long", 4, scaled_adam))
    def test_interrupted_it_goes_on_to_the_same_end(self, at, optimizer):
        def interrupt(networks):
            raise KeyboardInterrupt

        whole = self.learnt("whole", optimizer=optimizer)
        with self.assertRaises(KeyboardInterrupt):
            self.learnt("parts", optimizer=optimizer, draw=interrupt, sample_every=at)
        self.assertEqual(int(self.toy.steps_done), at)
        again = self.learnt("parts", optimizer=optimizer)
        self.assertIn(f"task 1/2 maps: goes on from step {at}\n", self.said.getvalue())
        self.assertSameState(whole, again)

    def test_what_is_done_is_not_done_again(self):
        done = self.learnt()
        self.assertSameState(done, self.learnt(source=Noise(broken=0)))
        self.assertEqual(int(self.toy.steps_done), STEPS)

    def steps_kept(self, folder="a"):
        return Checkpoints.steps_in(os.path.join(self.folder, folder))

    def test_one_checkpoint_is_kept_until_it_is_forgotten(self):
        self.learnt(checkpoint_minutes=0)
        folder = os.path.join(self.folder, "a")
        self.assertEqual(self.steps_kept(), [STEPS])
        remove_checkpoints(folder)
        self.assertNotEmpty(self.summaries())
        self.assertEqual({name[:6] for name in os.listdir(folder)}, {"events"})

    def test_between_checkpoints_is_time(self):
        saved = []
        for minutes in (0, 5):
            folder = f"every {minutes}"

            def look(networks, folder=folder):
                saved.append(self.steps_kept(folder))
                return {}

            self.learnt(folder, checkpoint_minutes=minutes, draw=look, sample_every=STEPS)
        self.assertEqual(saved, [[STEPS], []])

    def test_a_damaged_checkpoint_is_told_and_the_task_begins_anew(self):
        whole = self.learnt("whole")
        self.learnt("damaged")
        os.truncate(os.path.join(self.folder, "damaged", f"step-{STEPS}", "state.index"), 10)
        self.assertSameState(whole, self.learnt("damaged"))
        self.assertRegex(self.said.getvalue(), f"maps: the checkpoint of step {STEPS} is damaged; .* from step 0\n")

    def test_a_broken_image_is_told_as_it_is(self):
        with self.assertRaisesRegex(ImageError, "^Received: holiday.png$"):
            self.learnt(source=Noise(broken=3))

    def test_the_log(self):
        self.learnt()
        first, second = self.lines()
        self.assertEqual([line["step"] for line in (first, second)], [3, 6])
        self.assertCountEqual(first, ["time", "task", "step", "up", "down", "learning_rate", "steps_per_second"])
        self.assertRegex(first["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
        self.assertEqual(first["task"], "task 1/2 maps")
        self.assertGreater(first["steps_per_second"], 0)
        # What Adam used in the third and the sixth step: 0.1, falling from the third on, to zero at the fifteenth.
        self.assertAllClose([line["learning_rate"] for line in (first, second)], [0.1, 0.1 * 9 / 12])

    def test_logged_losses_are_means_since_the_last_line(self):
        self.learnt("single", log_every=1)
        self.learnt("triple", log_every=3)
        lines = self.lines()
        singles, triples = lines[:STEPS], lines[STEPS:]
        for number, line in enumerate(triples):
            for name in ("up", "down"):
                mean = np.mean([single[name] for single in singles[3 * number : 3 * number + 3]])
                self.assertAllClose(line[name], mean, rtol=1e-5)

    @pytest.mark.long
    def test_an_interruption_does_not_shift_the_log(self):
        def interrupt(networks):
            raise KeyboardInterrupt

        self.learnt("whole")
        with self.assertRaises(KeyboardInterrupt):
            self.learnt("parts", draw=interrupt, sample_every=5)
        self.learnt("parts")
        whole, parts = self.lines()[:2], self.lines()[2:]
        self.assertEqual(
            [(a["step"], a["learning_rate"]) for a in whole], [(b["step"], b["learning_rate"]) for b in parts]
        )

    @parameterized.parameters((callbacks.StopIfNotFinite, "on_train_batch_end"), (callbacks, "append_line"))
    def test_a_step_is_logged_though_an_interrupt_comes_first(self, owner, name):
        real, interrupts = getattr(owner, name), iter([KeyboardInterrupt])

        def interrupted(*arguments, **named):
            for interrupt in interrupts:
                raise interrupt
            return real(*arguments, **named)

        self.learnt("whole", log_every=1)
        with mock.patch.object(owner, name, interrupted), self.assertRaises(KeyboardInterrupt):
            self.learnt("parts", log_every=1)
        self.learnt("parts", log_every=1)
        whole, parts = self.lines()[:STEPS], self.lines()[STEPS:]
        for key in ("step", "up", "down"):
            self.assertEqual([line[key] for line in whole], [line[key] for line in parts])

    def test_tensorboard(self):
        pictures = {"input-output": np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype="uint8")}
        self.learnt(draw=lambda networks: pictures, sample_every=3)
        found = self.summaries()
        for line in self.lines():
            for tag, name in (
                ("losses/up", "up"),
                ("losses/down", "down"),
                ("training/learning_rate", "learning_rate"),
                ("training/steps_per_second", "steps_per_second"),
            ):
                self.assertAllClose(dict(found[tag])[line["step"]], line[name], rtol=1e-6)
        self.assertIn(b"--width=2", found["config"][0][1].item())
        self.assertEqual([step for step, _ in found["input-output"]], [3, 6])
        width, height, png = found["input-output"][0][1]
        self.assertEqual((width, height), (b"6", b"4"))
        self.assertAllEqual(tf.io.decode_png(png), pictures["input-output"])

    def test_tensorboard_gets_few_of_many_samples(self):
        model, drawn = mock.Mock(done=0, generators={}, final_weights=contextlib.nullcontext), []
        picture = np.zeros((2, 2, 3), "uint8")
        writer = tf.summary.create_file_writer(os.path.join(self.folder, "a"))
        samples = DrawSamples(writer, 2, lambda networks: drawn.append(model.done) or {"grid": picture}, steps=95)
        samples.set_model(model)
        samples.on_train_begin()
        for model.done in range(1, 96):
            samples.on_train_batch_end(None)
        writer.close()
        self.assertEqual(drawn, list(range(2, 96, 2)))
        self.assertEqual([step for step, _ in self.summaries()["grid"]], [10, 20, 30, 40, 50, 60, 70, 80, 90])

    def test_a_loss_that_is_no_number_stops_it_and_is_named(self):
        with self.assertRaisesRegex(
            Diverged, r"Received: (up, down|down, up|up|down) not finite by step [5-7]\."
        ) as told:
            self.learnt(optimizer=diverging, checkpoint_minutes=0)
        self.assertIn("smaller --learning_rate", str(told.exception))
        # The checkpoint that is left is from before.
        toy = Toy(diverging)
        state = tf.train.Checkpoint(learner=checkpointed(toy))
        self.assertEqual(Checkpoints(state, os.path.join(self.folder, "a")).restore(), "")
        self.assertBetween(int(toy.steps_done), 1, 5)
        for variable in toy.variables:
            self.assertTrue(np.isfinite(variable).all())

    def test_a_weight_that_is_no_number_is_not_saved(self):
        def spoil(networks):
            networks["forward"].layers[0].kernel.assign(np.full((1, 1, 3, 2), np.nan))
            return {}

        with self.assertRaisesRegex(Diverged, "kernel.* not finite at step 7"):
            self.learnt(draw=spoil, sample_every=STEPS)
        self.assertEqual(self.steps_kept(), [])

    def test_progress_without_a_terminal_is_a_plain_line(self):
        self.learnt()
        *quarters, line = self.said.getvalue().splitlines()
        self.assertEqual(
            [one.split("/7 ")[0] for one in quarters], ["task 1/2 maps  2", "task 1/2 maps  4", "task 1/2 maps  6"]
        )
        self.assertRegex(line, r"^task 1/2 maps  7/7  [0-9.]+ steps/s  0:00 left  up [0-9.]+  down [0-9.]+$")

    def test_progress_in_a_terminal_is_a_bar(self):
        with Terminal() as terminal:
            progress = ShowProgress("maps", 4, out=terminal.out)
            progress.set_model(Toy(adam))
            progress.model.steps_done.assign(2)
            progress.on_train_begin()
            progress.model.steps_done.assign(4)
            progress.on_train_batch_end(0, {"up": 0.12345, "identity_a": 1.0})
        shown = terminal.text
        self.assertIn("█" * 20 + " maps  4/4", shown)
        self.assertStartsWith(shown, "\r")
        self.assertIn("up 0.123", shown)
        self.assertNotIn("identity", shown)


class PhasesTest(LearnTestCase):
    """Three steps, then all weights are doubled, then four more."""

    def setUp(self):
        super().setUp()
        self.begun = []

    def phases(self, first=3, second=STEPS - 3):
        def double(networks):
            self.begun.append(int(self.toy.steps_done))
            for variable in networks["forward"].trainable_variables:
                variable.assign(2 * variable)

        return Phase("learn", first), Phase("again", second, double)

    def test_each_begins_once_and_learns_its_steps(self):
        halves = self.learnt("halves", phases=self.phases()[:1])
        for variable in halves.generators["forward"].trainable_variables:
            variable.assign(2 * variable)
        Checkpoints(tf.train.Checkpoint(learner=checkpointed(halves)), os.path.join(self.folder, "halves")).save(3)
        by_hand = self.learnt("halves")
        self.assertSameState(by_hand, self.learnt("phases", phases=self.phases()))
        self.assertEqual(self.begun, [3])
        self.assertEqual(int(self.toy.steps_done), STEPS)

    @pytest.mark.long
    def test_interrupted_in_any_they_go_on_to_the_same_end(self):
        def interrupt(networks):
            raise KeyboardInterrupt

        whole = self.learnt("whole", phases=self.phases())
        for at in (2, 3, 4):
            self.begun.clear()
            with self.assertRaises(KeyboardInterrupt):
                self.learnt(f"parts {at}", phases=self.phases(), draw=interrupt, sample_every=at)
            self.assertSameState(whole, self.learnt(f"parts {at}", phases=self.phases()))
            self.assertEqual(self.begun, [3])

    def test_interrupted_before_its_first_step_a_phase_begins_again_from_where_it_began(self):
        whole = self.learnt("whole", phases=self.phases())
        self.begun.clear()
        fit, fits = Toy.fit, []

        def interrupted(toy, *arguments, **keywords):
            fits.append(toy)
            if len(fits) == 2:
                raise KeyboardInterrupt
            return fit(toy, *arguments, **keywords)

        with mock.patch.object(Toy, "fit", interrupted), self.assertRaises(KeyboardInterrupt):
            self.learnt("parts", phases=self.phases())
        self.assertSameState(whole, self.learnt("parts", phases=self.phases()))
        self.assertEqual(self.begun, [3, 3])


class IntervalsTest(tf.test.TestCase):
    def test_every(self):
        due = EveryNSteps(10, done=25)
        self.assertEqual([step for step in range(26, 62, 3) if due(step)], [32, 41, 50])

    def test_they_are_settings_that_a_run_may_change(self):
        free = {field.name: field.default for field in settings.settings_of(Config) if field.metadata["may_change"]}
        for field in dataclasses.fields(Intervals):
            self.assertEqual(free.get(field.name), field.default, field.name)


class Traced(tf.test.TestCase):
    """The same with traced steps, as users learn."""

    def setUp(self):
        super().setUp()
        tf.config.run_functions_eagerly(False)
        self.addCleanup(tf.config.run_functions_eagerly, True)


@pytest.mark.long
class TracedLearnTest(Traced, LearnTest):
    pass


@pytest.mark.long
class TracedPhasesTest(Traced, PhasesTest):
    pass


if __name__ == "__main__":
    tf.test.main()
