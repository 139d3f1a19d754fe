"""Training with --compress_to: what is stored is what `pgtf compress` makes, also after a kill in between."""

import dataclasses
import functools
import os
import shutil
import tempfile
from unittest import mock

import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from pgtf.assembly.accounting import summary
from pgtf.compression.task import Compression
from pgtf.config import task_plans
from pgtf.methods import Piggyback
from pgtf.runs.compress import compress
from pgtf.runs.plan import plan_text, planned, size_warning
from pgtf.runs.run import Run
from pgtf.training import one_task
from tests.tiny import learn
from tests.training.test_objectives import CONFIGS
from tests.training.test_sequence import TINY, lines, ran

pytestmark = pytest.mark.usefixtures("step_by_step")

FIRST, SECOND = TINY.tasks
COPY = dataclasses.replace(
    TINY,
    image_size="16",
    width=4,
    steps=2,
    validation=0.25,
    ema=0.5,
    method=Piggyback(1.0, borrow_from="first"),
    compress_to="15%",  # Of a small network norms alone take more than 2%.
)


@functools.cache
def learned():
    """A run of two tasks, the second compressed. Tests may look at it, and copy it."""
    config = dataclasses.replace(COPY, run_dir=os.path.join(tempfile.mkdtemp(), "run"))
    learn(config)
    return config


class CompressToTest(tf.test.TestCase):
    def run_dir(self):
        return os.path.join(self.create_tempdir().full_path, "run")

    def begun(self, **changes):
        """The config of a run that begins with the same first task."""
        return dataclasses.replace(COPY, run_dir=self.run_dir(), first_task_from=learned().run_dir, **changes)

    def with_first(self, config):
        """Learns the first task only, by taking it from the other run."""
        one_task_only = dataclasses.replace(config, tasks=(FIRST,))
        ran(one_task_only)
        return config

    def assertSameSlices(self, one, other):
        self.assertEqual(one.facts.method, other.facts.method)
        self.assertEqual(one.sha256, other.sha256)

    def test_stores_what_compress_makes_of_the_free_network(self):
        free = self.with_first(self.begun(compress_to=""))
        learn(free)
        made = compress(free.run_dir, SECOND, "small", Compression(0.15)).slice
        own, first = Run(learned().run_dir).bank[SECOND], Run(learned().run_dir).bank[FIRST]
        self.assertSameSlices(own, made)
        self.assertEqual((own.facts.learnt_as, made.facts.learnt_as), ("", SECOND))
        self.assertEqual(own.facts.compressed, made.facts.compressed)
        self.assertEqual(first.facts.compressed, "")
        self.assertNotIn("compress_to", first.facts.training)

    def test_later_tasks_are_learned_beside_compressed_ones(self):
        folder = shutil.copytree(learned().run_dir, self.run_dir())
        third = "edges2handbags"
        _, said = ran(dataclasses.replace(COPY, tasks=(*COPY.tasks, third)), folder)
        stored = Run(folder)[third].slice.stored_bytes
        self.assertRegex(said, f"{third}: compressed to {stored:,} bytes, 1[45]\\..* of a full network")
        self.assertRegex(said, f"{third} +layered .* \\(compressed to 15%, learned by piggyback")
        for name in (*COPY.tasks, third):
            self.assertIn(f"after {third}: {name} replays bit-equal", said)
        self.assertEqual([line["compressed"] for line in lines(folder) if line.get("task") == third][-1:], [stored])

    @pytest.mark.long
    def test_a_process_killed_between_learning_and_compression_loses_nothing(self):
        config = self.with_first(self.begun())
        with mock.patch.object(one_task, "compressed_task", side_effect=KeyboardInterrupt):
            self.assertRaises(KeyboardInterrupt, learn, config)
        self.assertEqual(Run(config.run_dir).names, [FIRST])
        for other in ("", "50%"):
            with self.assertRaisesRegex(ValueError, "keep the settings that it began with.* compress_to="):
                learn(dataclasses.replace(config, compress_to=other))
        with mock.patch.object(one_task.Learner, "train_step", side_effect=AssertionError):  # Learns no more.
            learn(config)
        self.assertSameSlices(*(Run(one.run_dir).bank[SECOND] for one in (learned(), config)))

    @pytest.mark.long
    def test_classes(self):
        config = dataclasses.replace(CONFIGS["classification"], run_dir=self.run_dir(), compress_to="80%")
        learn(config)
        second = Run(config.run_dir)[config.tasks[1]]
        self.assertLess(second.slice.stored_bytes, 0.8 * 4 * second.facts.full_values)
        self.assertStartsWith(second.facts.compressed, "to 80%, learned by mask")
        self.assertTrue(second.replay().bit_equal)

    def test_plan_is_the_budget_which_disk_keeps(self):
        plans = task_plans(COPY)
        first, second = summary(planned(plans))["tasks"]
        self.assertEqual(first["share"], 1)
        self.assertEqual(second["bytes"], int(0.15 * 4 * second["full_values"]))
        self.assertEqual(size_warning(plans), "")
        text = plan_text(plans, ())
        self.assertIn(f"Compressed after learning: {SECOND} to 15%", text)
        self.assertNotIn("warning", text)
        path = os.path.join(learned().run_dir, "tasks", f"02-{SECOND}", "slice.safetensors")
        stored = sum(tensor.nbytes for tensor in load_file(path).values())
        self.assertBetween(stored, 0.9 * second["bytes"], second["bytes"])

    def test_one_task_may_stay_whole(self):
        config = dataclasses.replace(COPY, override=(f"{SECOND}:compress_to=",))
        _, free = summary(planned(task_plans(config)))["tasks"]
        self.assertGreater(free["share"], 0.99)

    def test_a_budget_that_holds_no_choice_is_refused_before_anything_is_learned(self):
        folder = self.run_dir()
        with self.assertRaisesRegex(ValueError, f"The budget must hold .* Received: .* bytes for {SECOND}"):
            ran(dataclasses.replace(COPY, compress_to="0.1%"), folder)
        self.assertFalse(os.path.exists(os.path.join(folder, "tasks")))


if __name__ == "__main__":
    tf.test.main()
