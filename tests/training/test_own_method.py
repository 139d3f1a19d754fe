"""A method made up here is learnt, listed, verified, resumed, planned and refused from its fields alone."""

import dataclasses
import json
import os
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from pgtf import layers, recipes
from pgtf.assembly.accounting import summary
from pgtf.cli import command_line
from pgtf.cli.help_text import help_text
from pgtf.config import task_plans
from pgtf.foundation.errors import BankError
from pgtf.foundation.settings import setting
from pgtf.methods import METHODS, Method
from pgtf.recipes import Spec
from pgtf.runs.listing import rows
from pgtf.runs.plan import planned
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from tests.tiny import tiny_run
from tests.training.test_sequence import TINY, ran

pytestmark = pytest.mark.usefixtures("step_by_step")


class ScaledRecipe(recipes.Recipe):
    """kernel = first × (1 + strength × scale), one scale for each filter."""

    def __init__(self, first, strength, **kwargs):
        super().__init__(**kwargs)
        self.given, self.strength = first, strength

    def specs(self, shape):
        return {"scale": Spec(shape[-1:])}

    def build(self, shape):
        self.first = self.add_weight(name="first", shape=shape, initializer="zeros", trainable=False)
        self.first.assign(np.asarray(self.given))
        self.scale = self.add_weight(name="scale", shape=shape[-1:], initializer="zeros")
        super().build(shape)

    def kernel(self):
        return self.first * (1 + self.strength * self.scale)

    def task_variables(self):
        return {"scale": self.scale}


@dataclasses.dataclass(frozen=True)
class Scaled(Method):
    """A later task scales the first task's filters."""

    strength: float = setting(1.0, "How much a scale does to its filter.", above=0, most=4)

    def borrows(self, learnt):
        return learnt[:1]

    def recipe(self, site, bank):
        lent = bank.lent(site.path)
        return ScaledRecipe(lent, self.strength) if lent.parts else super().recipe(site, bank)


CONFIG = dataclasses.replace(TINY, method=Scaled(0.5), steps=2, learning_rate=0.05)


class OwnMethodTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        row = mock.patch.dict(METHODS, scaled=Scaled)
        row.start()
        cls.addClassCleanup(row.stop)
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.run_dir, cls.said = ran(CONFIG, os.path.join(temporary.name, "run"))

    def asked(self, *arguments):
        """The config that these flags and the run's own ask for."""
        values = flags.FlagValues()
        command_line.define(values)
        values(["train.py", f"--run_dir={self.run_dir}", *arguments])
        with mock.patch.object(flags, "FLAGS", values):
            return command_line.config_from_flags()

    def test_it_is_learnt(self):
        first, second = (task.slice.values for task in Run(self.run_dir))
        self.assertIn("forward/down1/unconstrained", first)
        self.assertNotIn("forward/down1/unconstrained", second)
        for layer in ("down1", "down2", "down3", "up3", "up2"):
            self.assertGreater(np.abs(second[f"forward/{layer}/scale"]).max(), 0, layer)

    def test_its_setting_makes_the_network(self):
        run = Run(self.run_dir)
        first, second = (task.slice.values for task in run)
        (network,) = run["facades"].networks.values()
        for path, recipe in layers.made_kernels(network).items():
            if path != "forward/output":
                kernel = first[f"{path}/unconstrained"] * (1 + np.float32(0.5) * second[f"{path}/scale"])
                self.assertAllClose(recipe.kernel(), kernel, rtol=1e-6)

    def test_it_is_noted_and_listed(self):
        with open(os.path.join(self.run_dir, "tasks", "02-facades", "slice.json")) as file:
            description = json.load(file)
        self.assertEqual(description["facts"]["method"], {"name": "scaled", "strength": 0.5})
        found = rows(self.run_dir)
        self.assertEqual([row["method"] for row in found], ["scaled", "scaled"])
        self.assertEqual([row["borrows"] for row in found], [[], ["maps"]])
        self.assertEqual(found[1]["values"], values_by_hand())

    def test_it_is_planned(self):
        tasks = summary(planned(task_plans(CONFIG)))["tasks"]
        self.assertEqual([task["values"] for task in tasks], [task.slice.size for task in Run(self.run_dir)])
        self.assertEqual(tasks[1]["values"], values_by_hand())
        self.assertIn(f" {values_by_hand():,} ", self.said)

    def test_it_is_verified(self):
        self.assertEqual([verdict.replay.bit_equal for verdict in verdicts(self.run_dir)], [True, True])

    def test_it_is_resumed(self):
        self.assertEqual(self.asked(), dataclasses.replace(CONFIG, run_dir=self.run_dir))
        self.assertEqual(self.asked("--strength=0.5", "--method=scaled").method, Scaled(0.5))
        with self.assertRaisesRegex(ValueError, "Received: --strength=0.7, where .* has 0.5"):
            self.asked("--strength=0.7")
        with self.assertRaisesRegex(ValueError, "Received: --method='full', where .* has 'scaled'"):
            self.asked("--method=full")

    def test_its_setting_is_refused_by_its_bounds(self):
        for value in (0.0, 4.5, float("nan")):
            with self.assertRaisesRegex(ValueError, "^--strength must be more than 0 and at most 4. Received: "):
                self.asked(f"--strength={value}")
        with self.assertRaisesRegex(flags.IllegalFlagValueError, "--strength=strong"):
            self.asked("--strength=strong")

    def test_it_teaches_in_help(self):
        values = flags.FlagValues()
        command_line.define(values)
        values(["train.py"])
        with mock.patch.object(flags, "FLAGS", values):
            words = " ".join(help_text(command_line, full=True).split())
        self.assertIn("scaled: A later task scales the first task's filters.", words)
        self.assertIn("--strength scaled: How much a scale does to its filter. Default: 1.0.", words)

    def test_without_its_row_its_slices_are_refused_by_name(self):
        with mock.patch.dict(METHODS):
            del METHODS["scaled"]
            with self.assertRaisesRegex(BankError, "must be one of full, .*Received: 'scaled'"):
                Run(self.run_dir)["facades"]

    def test_each_task_keeps_the_setting_that_it_was_learnt_with(self):
        """Not the default, nor the run's: the slice's."""
        folder = tiny_run(self.create_tempdir().full_path, method=Scaled(3.0))
        os.unlink(os.path.join(folder, "config.cfg"))
        self.assertEqual([task.facts.method for task in Run(folder)], [Scaled(3.0)] * 2)
        self.assertEqual([verdict.holds for verdict in verdicts(folder)], [True, True])


def values_by_hand():
    """Checks the stored values of a second task: a U-Net of three levels and width 2, at 8 x 16 px."""
    down, up = [2, 4, 8], [4, 2]
    scales_and_biases = 2 * sum(down + up)
    norms = 2 * sum(down[1:-1] + up)  # None on the first and the innermost layer of the encoder.
    output = 4 * 4 * (2 + 2) * 3 + 3
    return scales_and_biases + norms + output


if __name__ == "__main__":
    tf.test.main()
