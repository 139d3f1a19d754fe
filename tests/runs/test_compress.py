"""Compressed copies of tasks: they fit, they are proved, and the rest of the run stays."""

import os
import tempfile

import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf.assembly.accounting import summary
from pgtf.compression.budget import planned_costs
from pgtf.compression.task import Compression
from pgtf.config import load_config
from pgtf.methods import METHODS, Layered, Piggyback
from pgtf.runs.adopt import adopt
from pgtf.runs.compress import compress
from pgtf.runs.describe import described
from pgtf.runs.listing import row_lines, rows
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from tests.tiny import tiny_run

FREE = Piggyback(1.0)  # A network of free kernels.


def run_of(method=FREE, **settings):
    return tiny_run(tempfile.mkdtemp(), method=method, size=(16, 16), **settings)


class CompressTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_copy_fits_and_is_proved_and_the_others_stay(self):
        folder = run_of()
        before = [Run(folder).bank.entry(index) for index in range(2)]
        task = Run(folder)["maps"].facts
        *fixed_costs, _ = planned_costs("facades", "maps", task.architecture, task.generators, 1.0)
        fixed = int(summary(fixed_costs)["total"]["bytes"])
        changes = []
        for budget in (fixed, fixed + 3000):
            made = compress(folder, "maps", f"maps-{budget}", Compression(budget, images=4))
            self.assertLessEqual(made.slice.stored_bytes, budget)
            self.assertEqual(made.slice.stored_bytes, fixed + sum(choice.bytes for choice in made.choices))
            changes.append(made.change["forward"])
        self.assertEqual(sorted(changes, reverse=True), changes)
        run = Run(folder)
        self.assertEqual([run.bank.entry(index) for index in range(2)], before)
        self.assertEqual(load_config(folder).tasks, tuple(run.names))
        found = list(verdicts(folder))
        self.assertTrue(all(verdict.replay.bit_equal for verdict in found))
        self.assertLen(found, 4)
        copy = run.bank.slice(3)
        self.assertEqual([borrowed.task for borrowed in copy.borrows], ["facades"])
        self.assertIsInstance(copy.facts.method, Layered)
        self.assertEqual(copy.facts.learnt_as, "maps")
        told = f"to {budget:,} bytes, learned by piggyback, unconstrained_ratio 1.0"
        self.assertEqual(described(copy)["Compressed"], told)
        self.assertNotIn("compress", described(copy)["Training"])
        self.assertEndsWith(list(row_lines(rows(folder)))[-1], f"(compressed {told})")
        self.assertEndsWith(str(found[3]), f"bit-equal; compressed {told}")
        self.assertNotIn("compressed", str(found[1]))
        self.assertTrue(os.path.exists(os.path.join(run.bank.place(3, copy.name), "replays.json")))
        # The run keeps its method: it still takes in tasks of it.
        other = tiny_run(tempfile.mkdtemp(), ("facades", "maps", "edges"), method=FREE, size=(16, 16))
        self.assertEqual(adopt(folder, Run(other), ["edges"]), ["edges"])

    @pytest.mark.long
    def test_repair_brings_it_nearer(self):
        folder = run_of()
        budget = Compression(0.25, images=4)
        post_hoc = compress(folder, "maps", "small", budget)
        repaired = compress(
            folder, "maps", "repaired", Compression(0.25, images=4, repair=40, repair_images=8, learning_rate=3e-3)
        )
        self.assertLess(repaired.change["forward"], 0.9 * post_hoc.change["forward"])
        self.assertLessEqual(repaired.slice.stored_bytes, 0.25 * 4 * repaired.slice.facts.full_values)

    @parameterized.parameters(
        ("facades", "new", 0.5, "Only a later task .* Received: 'facades'"),
        ("maps", "facades", 0.5, "--as must be a new task's name.* Received: 'facades'"),
        ("maps", "new", 3, "The budget must hold .*heads, norms, biases.* Received: 3 bytes for maps"),
        ("nothing", "new", 0.5, "Unknown task"),
    )
    def test_what_cannot_be_compressed_is_refused(self, name, new, budget, rule):
        folder = run_of()
        with self.assertRaisesRegex(ValueError, rule):
            compress(folder, name, new, Compression(budget))
        self.assertEqual(Run(folder).names, ["facades", "maps"])

    @parameterized.named_parameters(
        ("_cyclegan_long", "resnet", "cyclegan", "maps"), ("_latents_long", "stylegan2", "unconditional", "cats")
    )
    def test_other_objectives(self, network, objective, name):
        tasks = ("facades", "maps") if name == "maps" else ("faces", "cats")
        folder = tiny_run(tempfile.mkdtemp(), tasks, network, objective, method=FREE)
        made = compress(folder, name, "small", Compression(0.25, images=2))
        self.assertLessEqual(made.slice.stored_bytes, 0.25 * 4 * made.slice.facts.full_values)
        self.assertTrue(Run(folder)["small"].replay().bit_equal)

    @parameterized.parameters("finetune", "progressive", "packnet", "half")
    def test_a_method_of_other_layers_or_of_a_network_that_changes_is_refused(self, method):
        self.assertFalse(METHODS[method].compressible)
        with self.assertRaisesRegex(ValueError, f"Only a task .* Received: 'maps', learned by --method={method}"):
            compress(run_of(method), "maps", "small", Compression(0.5))


if __name__ == "__main__":
    tf.test.main()
