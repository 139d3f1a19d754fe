"""Benchmarks of `make bench` run, on a network of a few filters; not those that take long to export."""

import pathlib
import sys

import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf.config import Config

sys.path.append(str(pathlib.Path(__file__).parent.parent.parent / "scripts"))

from benchmarks import BENCHMARKS

pytestmark = pytest.mark.usefixtures("step_by_step")
TINY = Config(image_size="16", load_size="16", width=2, discriminator_width=2, discriminator_layers=1, drawn_images=2)


class BenchmarksTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(("pipeline", {}), ("first_step", {"task": 2}), ("serving", {}))
    def test_it_runs(self, name, what):
        self.assertNotEmpty(BENCHMARKS[name](TINY, 1, **what))

    def test_a_steps_sides_are_compared_with_the_full_one(self):
        found = BENCHMARKS["steps"](TINY, 1, task=3)
        self.assertEqual(found["full"]["ratio"], 1.0)
        self.assertEqual(set(found), {"full", "chosen", "composed", "spent"})


if __name__ == "__main__":
    tf.test.main()
