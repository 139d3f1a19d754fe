"""Tasks that are learnt at once: what they share, what they store, and how a killed run goes on."""

import contextlib
import dataclasses
import functools
import io
import itertools
import os
import tempfile
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import summary
from pgtf.assembly.bank import NetworkBank, rebuild, slice_of
from pgtf.config import Config, task_plans
from pgtf.foundation.keras_versions import checkpointed
from pgtf.methods import LayerWise, WidthWise
from pgtf.runs.listing import rows
from pgtf.runs.plan import planned
from pgtf.runs.verify import verdicts
from pgtf.storage.facts import Facts
from pgtf.storage.log import curves
from pgtf.training.checkpoints import Checkpoints
from pgtf.training.joint import learner
from pgtf.training.sequence import SequentialTrainer
from tests.methods.test_conformance import payload

pytestmark = pytest.mark.usefixtures("step_by_step")

TINY = Config(
    schedule="together",
    method=WidthWise(0.5),
    tasks=("maps", "facades"),
    image_size="16",
    width=4,
    discriminator_width=2,
    discriminator_layers=1,
    steps=2,
    drawn_images=2,
    learning_rate=0.01,
    steps_per_call=1,
    log_every=1,
    sample_every=2,
)


def kernels(networks):
    """{layer path: what its kernel is made from} of all networks of a task."""
    return {path: made for network in networks.values() for path, made in layers.made_kernels(network).items()}


class LearnerTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(WidthWise(0.5), LayerWise(0.3))
    def test_the_first_tasks_kernels_are_one_object_for_all(self, method):
        config = dataclasses.replace(TINY, method=method, tasks=("maps", "facades", "cityscapes"))
        together = learner(task_plans(config), steps=2)
        first, *others = (kernels(one.generators) for one in together.learners.values())
        for path in first:
            for own in others:
                if hasattr(own[path], "bank"):
                    self.assertIs(own[path].bank, first[path].unconstrained)
                    self.assertAllEqual(own[path].kernel(), first[path].kernel())
        self.assertTrue(any(hasattr(made, "bank") for made in others[0].values()))
        free = {id(own[path].free) for own in others for path in own if getattr(own[path], "free", None) is not None}
        moved = {id(variable) for variable in together.trained("generators")}
        self.assertContainsSubset(free, moved)
        self.assertLen(together.trained("generators"), len(moved))

    def test_what_is_shared_learns_from_all_tasks_and_what_is_not_from_its_own(self):
        """From the same state, steps on pairs of batches: a or b of the first task, c or d of the second."""
        with mock.patch.object(build, "optimizer", lambda *_: keras.optimizers.SGD(0.01)):
            together = learner(task_plans(TINY), steps=2)
        first, second = (one.generators["forward"] for one in together.learners.values())
        state = tf.train.Checkpoint(learner=checkpointed(together))
        begun = state.write(os.path.join(tempfile.mkdtemp(), "state"))
        draw = np.random.default_rng(0)
        a, b, c, d = (tuple(draw.uniform(-1, 1, (2, 1, 16, 16, 3)).astype("float32")) for _ in range(4))
        learnt = {}
        for (one, x), (two, y) in itertools.product({"a": a, "b": b}.items(), {"c": c, "d": d}.items()):
            state.read(begun).assert_consumed()
            together.train_step((x, y))
            learnt[one + two] = layers.state(first), layers.state(second)
        seen = 0
        for path in learnt["ac"][0]:
            ac, ad, bc, bd = (learnt[pair][0][path] for pair in ("ac", "ad", "bc", "bd"))
            made = kernels({"": second}).get(path.rsplit("/", 1)[0])
            if hasattr(made, "bank") and path.endswith("unconstrained"):
                free = made.specs(made.kernel_shape)["free"].shape[2] if made.free is not None else 0
                self.assertAllClose(ac[:, :, :free], ad[:, :, :free], atol=1e-6)
                self.assertNotAllClose(ac[:, :, free:], ad[:, :, free:], atol=1e-6)
                self.assertAllClose(ac - ad, bc - bd, atol=1e-5)  # A sum: what the second adds is the same.
                seen += 1
            else:
                self.assertAllClose(ac, ad, atol=1e-6, msg=path)
        self.assertGreater(seen, 5)
        for path in learnt["ac"][1]:
            self.assertAllClose(learnt["ac"][1][path], learnt["bc"][1][path], atol=1e-6, msg=path)
        self.assertNotAllClose(learnt["ac"][1]["forward/down2/free"], learnt["ad"][1]["forward/down2/free"], atol=1e-6)

    def test_slices_rebuild_to_the_same_kernels_and_outputs(self):
        together, bank = learner(task_plans(TINY), steps=2), NetworkBank()
        draw = np.random.default_rng(0)
        image = draw.uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
        for variable in together.trained("generators"):
            variable.assign_add(0.1 * draw.normal(size=variable.shape))
        facts = Facts(TINY.architecture, TINY.method, TINY.objective)
        for name, one in together.learners.items():
            bank.append(slice_of(name, one.generators, bank.only(TINY.method.borrows(bank.names)), facts))
            stored = bank.slice(len(bank) - 1)
            rebuilt = rebuild(stored, bank.lenders_of(stored.borrows))
            for path, made in kernels(one.generators).items():
                self.assertAllEqual(made.kernel(), kernels(rebuilt)[path].kernel())
            self.assertAllClose(one.generators["forward"](image), rebuilt["forward"](image), atol=1e-5)

    def test_sixteen_bits_see_each_step(self):
        """A bank that is learnt must not be held as it was when the task began."""
        together = learner(task_plans(dataclasses.replace(TINY, precision="mixed_bfloat16")), steps=2)
        first, second = (one.generators["forward"] for one in together.learners.values())
        image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
        before = second(image).numpy()
        for made in kernels({"": first}).values():
            made.unconstrained.assign(-3 * made.unconstrained)
        self.assertNotAllClose(second(image), before, atol=1e-3)


class Killed(BaseException):
    """Ends a process, as far as a test can."""


def ran(config):
    """Runs a config and returns its output."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        SequentialTrainer(config).run()
    return said.getvalue()


def slices(run_dir):
    bank = NetworkBank.open(os.path.join(run_dir, "tasks"))
    return [bank.slice(index) for index in range(len(bank))]


@functools.cache
def once():
    """Returns the config of a run of two tasks, and what was said as they were learned."""
    config = dataclasses.replace(TINY, run_dir=tempfile.mkdtemp())
    return config, ran(config)


class RunTest(tf.test.TestCase):
    def test_a_run_is_learned_and_holds_what_was_planned(self):
        peaceful, said = once()
        self.assertIn("after facades: maps replays bit-equal", said)
        self.assertTrue(all(verdict.holds for verdict in verdicts(peaceful.run_dir)))
        for index, task in enumerate(summary(planned(task_plans(peaceful)))["tasks"], 1):
            path = os.path.join(peaceful.run_dir, "tasks", f"0{index}-{task['name']}", "slice.safetensors")
            self.assertEqual(payload(path), task["bytes"])
        for task in TINY.tasks:
            self.assertEqual(curves(peaceful.run_dir)[task]["l1"][0], [1, 2])

    @pytest.mark.long
    def test_a_run_killed_twice_and_taught_more(self):
        peaceful, _ = once()
        killed = dataclasses.replace(TINY, run_dir=self.create_tempdir().full_path, sample_every=1000)
        # Right after the checkpoint of the first step.
        save = Checkpoints.save

        def dying(checkpoints, step):
            save(checkpoints, step)
            raise Killed

        with mock.patch.object(Checkpoints, "save", dying), self.assertRaises(Killed):
            ran(dataclasses.replace(killed, checkpoint_minutes=0))
        with self.assertRaisesRegex(ValueError, "settings that it began with.* together=.*'cityscapes'.*, not"):
            ran(dataclasses.replace(killed, tasks=("maps", "facades", "cityscapes")))
        # With the first slice on disk, the second not.
        replace = os.replace

        def dying_late(source, target):
            if str(target).endswith("02-facades/slice.json"):
                raise Killed
            replace(source, target)

        with mock.patch.object(os, "replace", dying_late), self.assertRaises(Killed):
            ran(killed)
        self.assertEqual([one.name for one in slices(killed.run_dir)], ["maps"])
        self.assertIn("goes on from step 2", ran(killed))
        for one, other in zip(slices(peaceful.run_dir), slices(killed.run_dir)):
            self.assertEqual(one.facts.training["together"], list(TINY.tasks))
            self.assertEqual(one.values.keys(), other.values.keys())
            for path in one.values:
                self.assertAllClose(one.values[path], other.values[path], atol=1e-5, msg=path)

        said = ran(dataclasses.replace(killed, tasks=(*TINY.tasks, "cityscapes"), steps=1))
        for task in (*TINY.tasks, "cityscapes"):
            self.assertIn(f"after cityscapes: {task} replays bit-equal", said)
        self.assertEqual([row["method"] for row in rows(killed.run_dir)], ["width_wise"] * 3)
        self.assertNotIn("together", slices(killed.run_dir)[2].facts.training)

    def test_one_optimizer_has_one_learning_rate(self):
        config = dataclasses.replace(
            TINY, run_dir=self.create_tempdir().full_path, override=("maps:batch_size=2", "facades:learning_rate=0.5")
        )
        with self.assertRaisesRegex(
            ValueError, "--override must be of no other learning_rate .* Received: '0.01, 0.5'"
        ):
            ran(config)
        self.assertFalse(os.path.exists(os.path.join(config.run_dir, "tasks")))


if __name__ == "__main__":
    tf.test.main()
