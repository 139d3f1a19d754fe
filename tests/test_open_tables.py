"""A third objective and a third network need a row each, and nothing else: they learn, replay and are listed."""

import contextlib
import dataclasses
import functools
import io
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from pgtf.assembly import planned_data
from pgtf.config import Config, load_config, task_plans
from pgtf.data.finder import Finder
from pgtf.methods import Piggyback
from pgtf.networks import NETWORKS
from pgtf.objectives import OBJECTIVES
from pgtf.runs.listing import row_lines, rows
from pgtf.runs.plan import plan_text
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from pgtf.training.sequence import SequentialTrainer
from tests.toys import LabelledFinder, Pool, Score

FIND = LabelledFinder(Finder("", "pairs", (16, 16), (18, 18), drawn_images=4))


@pytest.fixture(autouse=True)
def toys():
    with mock.patch.dict(OBJECTIVES, {"score": Score}), mock.patch.dict(NETWORKS, {"pool": Pool}):
        yield


@functools.cache
def learned():
    """The config of a run of two tasks that was learned, and what was printed."""
    config = Config(
        run_dir=tempfile.mkdtemp(),
        tasks=("maps", "facades"),
        method=Piggyback(),
        objective=Score(weight=2.0),
        network="pool",
        image_size="16",
        width=4,
        batch_size=2,
        steps=3,
        log_every=1,
    )
    printed = io.StringIO()
    with mock.patch.object(planned_data, "finder", lambda *_: FIND), contextlib.redirect_stdout(printed):
        SequentialTrainer(config).run()
    return config, printed.getvalue()


class OpenTablesTest(tf.test.TestCase):
    def test_the_plan_is_what_is_stored(self):
        config, _ = learned()
        plan = plan_text(task_plans(config), ())
        for slice_ in map(Run(config.run_dir).bank.slice, (0, 1)):
            self.assertIn(f"{slice_.size:,}", plan)

    def test_tasks_replay_to_the_bit(self):
        config, printed = learned()
        self.assertIn("after facades: maps replays bit-equal", printed)
        self.assertEqual([verdict.replay.bit_equal for verdict in verdicts(config.run_dir)], [True, True])

    def test_probes_are_images_labels_and_scores(self):
        config, _ = learned()
        probes = Run(config.run_dir)["facades"].probes
        self.assertEqual((probes.inputs["forward"].shape, probes.inputs["forward"].dtype), ((4, 16, 16, 3), np.uint8))
        self.assertEqual(probes.targets["forward"].shape, probes.outputs["forward"].shape)
        self.assertEqual((probes.outputs["forward"].shape, probes.outputs["forward"].dtype), ((4, 1), np.float32))

    def test_it_is_listed(self):
        config, _ = learned()
        self.assertIn("facades", "\n".join(row_lines(rows(config.run_dir))))

    def test_its_config_and_facts_are_read_again(self):
        config, _ = learned()
        again = load_config(config.run_dir)
        self.assertEqual((again.objective, again.network), (Score(weight=2.0), "pool"))
        facts = Run(config.run_dir).bank.slice(1).facts
        self.assertEqual((facts.objective, facts.architecture), (config.objective, config.architecture))

    def test_it_neither_translates_nor_exports(self):
        config, _ = learned()
        with self.assertRaisesRegex(ValueError, "Only tasks of images can translate"):
            Run(config.run_dir)["maps"](np.zeros([16, 16, 3], "uint8"))

    def test_what_does_not_go_together_is_refused(self):
        config, _ = learned()
        with self.assertRaisesRegex(ValueError, "learns scores, and the network makes images"):
            dataclasses.replace(config, network="unet")


if __name__ == "__main__":
    tf.test.main()
