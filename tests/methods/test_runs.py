"""Every way that the papers compare with, from images to a run that goes on: learnt, listed, proved, run again."""

import contextlib
import io
import os

import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf.assembly.accounting import summary
from pgtf.config import Config, task_plans
from pgtf.methods import METHODS
from pgtf.runs.listing import rows
from pgtf.runs.plan import planned
from pgtf.runs.verify import verdicts
from pgtf.training.sequence import SequentialTrainer
from tests.methods.test_conformance import FORGETTING, payload

# That each method's step can be traced is in test_conformance.py.
pytestmark = pytest.mark.usefixtures("step_by_step")

TINY = dict(
    tasks=("maps", "facades"),
    image_size="8x16",
    width=4,
    discriminator_width=2,
    discriminator_layers=1,
    steps=1,
    drawn_images=2,
)
# Whole runs of these are in tests/runs, and in test_packing.py.
ELSEWHERE = {"delta", "frozen", "piggyback", "factorized", "full", "half", "quarter", "packnet", "pae", "cpg"}
ELSEWHERE |= {name for name, kind in METHODS.items() if kind.needs == "latents"}  # test_conformance has them.


def ran(config):
    """Runs a config and returns its output."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        SequentialTrainer(config).run()
    return said.getvalue()


# The methods that do more than make kernels otherwise; `make test-long` learns a run with each of the others.
SPECIAL = {"finetune", "progressive"}


class RunsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        *((name + "_long" * (name not in SPECIAL), name) for name in METHODS if name not in ELSEWHERE)
    )
    def test_a_run(self, method):
        config = Config(run_dir=self.create_tempdir().full_path, method=METHODS[method](), **TINY)
        said = ran(config)
        self.assertIn("after facades: facades replays bit-equal", said)
        self.assertIn(f"after facades: maps replays {'CHANGED' if method in FORGETTING else 'bit-equal'}", said)
        self.assertEqual([row["method"] for row in rows(config.run_dir)], [method] * 2)
        found = list(verdicts(config.run_dir))
        self.assertEqual([verdict.holds for verdict in found], [True] * 2)
        self.assertEqual(found[0].answered_by, "facades" if method in FORGETTING else "")
        for index, task in enumerate(summary(planned(task_plans(config)))["tasks"], 1):
            path = os.path.join(config.run_dir, "tasks", f"0{index}-{task['name']}", "slice.safetensors")
            self.assertLessEqual(payload(path), task["bytes"])
            self.assertGreater(payload(path), 0.8 * task["bytes"])
        self.assertNotIn("replays", ran(config))  # All is done.


if __name__ == "__main__":
    tf.test.main()
