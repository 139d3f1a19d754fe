"""Methods whose tasks own weights of the same kernels: four tasks in one network, killed in any phase."""

import dataclasses
import functools
import os
import shutil
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers
from pgtf.assembly.accounting import plan, summary
from pgtf.config import Config, task_plans
from pgtf.methods import Cpg, PackNet, Pae
from pgtf.networks import Architecture
from pgtf.runs.listing import row_lines, rows
from pgtf.runs.plan import planned
from pgtf.runs.run import Run
from pgtf.storage.bank import FilterBank
from pgtf.training import callbacks
from pgtf.training.sequence import SequentialTrainer
from tests.methods.test_conformance import payload
from tests.tiny import learn

pytestmark = pytest.mark.usefixtures("step_by_step")

TASKS = ("cityscapes", "maps", "facades", "edges2handbags")
TINY = Config(
    tasks=TASKS,
    image_size="16",
    width=4,
    discriminator_width=2,
    discriminator_layers=1,
    steps=2,
    drawn_images=2,
    learning_rate=0.01,
    log_every=1,
    steps_per_call=1,
)


def slices(run_dir):
    bank = FilterBank.open(os.path.join(run_dir, "tasks"))
    return [bank.slice(index) for index in range(len(bank))]


# With the steps of a task, and those in which it is killed: one of each phase that has one before.
CASES = (
    dict(testcase_name="packnet", method=PackNet(), steps=2, kills=(2,)),
    dict(
        testcase_name="pae_long",
        method=Pae(tolerance=10.0, retrain_share=0.75, rounds=2, grow_by=0.5),
        steps=4,
        kills=(3,),
    ),
    dict(
        testcase_name="cpg_long",
        method=Cpg(tolerance=10.0, retrain_share=0.75, rounds=2, grow_by=0.5, mask_learning_rate=0.02),
        steps=4,
        kills=(2, 3, 4),
    ),
)


class Killed(BaseException):
    """Nothing is done any more once it is raised."""


def grown(array, shape, inputs):
    """An array of a kernel with more channels: zero where those are, in each of the inputs that stand side by side."""
    parts = np.split(array, inputs, axis=2)
    more = [(0, 0), (0, 0), (0, shape[2] // inputs - parts[0].shape[2]), (0, shape[3] - array.shape[3])]
    return np.concatenate([np.pad(part, more) for part in parts], axis=2)


class PackingTest(tf.test.TestCase, parameterized.TestCase):
    def config(self, method, **settings):
        return dataclasses.replace(TINY, run_dir=self.create_tempdir().full_path, method=method, **settings)

    @staticmethod
    @functools.cache
    def learnt(method, steps):
        """The config of a run of four tasks, the third of them nowhere near its goal, so that pae and cpg grow."""
        override = ("facades:goal=0.001",) if isinstance(method, Pae) else ()
        config = dataclasses.replace(TINY, run_dir=tempfile.mkdtemp(), method=method, steps=steps, override=override)
        learn(config)
        return config

    @parameterized.named_parameters(*CASES)
    def test_four_tasks(self, method, steps, kills):
        config = self.learnt(method, steps)
        tasks, learnt = list(Run(config.run_dir)), slices(config.run_dir)
        self.assertEqual([task.replay().bit_equal for task in tasks], [True] * 4)
        widths = [one.facts.architecture.width for one in learnt]
        self.assertEqual(widths, [4, 4, 6, 6] if isinstance(method, Pae) else [4] * 4)
        for index, (task, one) in enumerate(zip(summary(planned(task_plans(config)))["tasks"], learnt), 1):
            path = os.path.join(config.run_dir, "tasks", f"0{index}-{one.name}", "slice.safetensors")
            self.assertEqual(payload(path), one.stored_bytes)
            if one.facts.architecture.width == 4:
                self.assertEqual(task["bytes"], one.stored_bytes)
        self._check_owners(learnt, tasks)
        again = SequentialTrainer(config)  # Wider tasks are no contradiction to the flags.
        again.bank = FilterBank.open(os.path.join(config.run_dir, "tasks"))
        again._check_bank()
        found = rows(config.run_dir)
        head, *lines = row_lines(found)
        self.assertRegex(head, r"MB on disk +owned +picked +free +grown  learned")
        for line, row in zip(lines, found):
            for share in row["weights"].values():
                self.assertIn(f"{share:.1%}", line[head.index("MB on disk") : head.index("learned")])

    def _check_owners(self, learnt, tasks):
        """Who owns what, counted anew from the bits."""
        empty = {path: np.zeros(shape) for path, shape in learnt[0].shapes.items() if path.endswith("/used")}
        self.assertLen(empty, 7)
        kernels, taken = dict(empty), {path: zeros.astype(bool) for path, zeros in empty.items()}
        for index, one in enumerate(learnt):
            (network,) = tasks[index].networks.values()
            made, owned, picked = layers.made_kernels(network), 0, 0
            for path in taken:
                layer, used = path[: -len("/used")], one.values[path]
                inputs = 2 if layer in ("forward/up3", "forward/up2") else 1  # They see a twin of the encoder, too.
                earlier, before = (grown(each[path], used.shape, inputs) for each in (kernels, taken))
                own = used & ~before
                self.assertEqual(one.shapes[f"{layer}/owned"], (own.sum(),))
                self.assertGreater(own.sum(), 0)
                # What it makes: its own values where it owns, earlier ones' where it uses theirs, and else nothing.
                kernel = np.where(used, earlier, 0)
                kernel[own] = one.values[f"{layer}/owned"]
                self.assertAllEqual(made[layer].kernel(), kernel)
                kernels[path], taken[path] = np.where(own, kernel, earlier), before | own
                owned, picked = owned + own.sum(), picked + (used & before).sum()
            weights = sum(each.size for each in taken.values())
            free = weights - sum(each.sum() for each in taken.values())
            before = sum(each.size for each in empty.values())
            expected = owned / weights, picked / weights, free / weights, weights / before - 1
            self.assertAllClose(dataclasses.astuple(one.facts.shares), expected)

    @parameterized.named_parameters(*CASES)
    @pytest.mark.long
    def test_killed_in_any_phase_it_goes_on_to_the_same_slice(self, method, steps, kills):
        whole = self.learnt(method, steps)
        config = dataclasses.replace(
            whole, run_dir=self.create_tempdir().full_path, tasks=TASKS[:2], override=(), checkpoint_minutes=0
        )
        shutil.copytree(os.path.join(whole.run_dir, "tasks", "01-cityscapes"), config.run_dir + "/tasks/01-cityscapes")
        log = callbacks.LogLosses.on_train_batch_end

        def dying(callback, batch, logs=None):  # Before the step is saved.
            log(callback, batch, logs)
            if int(callback.model.steps_done) == self.last_step:
                raise Killed

        for self.last_step in kills:
            with mock.patch.object(callbacks.LogLosses, "on_train_batch_end", dying), self.assertRaises(Killed):
                learn(config)
        learn(config)
        self.assertEqual(slices(config.run_dir)[1].sha256, slices(whole.run_dir)[1].sha256)

    def test_packnets_phases_are_its_steps(self):
        self.assertEqual([(p.name, p.steps) for p in PackNet().phases(100)], [("learn", 67), ("retrain", 33)])
        self.assertEqual([(p.name, p.steps) for p in PackNet().phases(1)], [("retrain", 1)])
        self.assertEqual(
            [(p.name, p.steps) for p in PackNet(retrain_share=0.0).phases(9)], [("learn", 8), ("retrain", 1)]
        )

    def test_packnet_on_the_papers_network_by_hand(self):
        paper = Architecture("unet", (256, 256), width=64)
        tasks = summary(plan(("one", "two", "three"), paper, PackNet(), ("forward",)))["tasks"]
        weights = 54_419_459 - 6_144 - 5_507 - 9_856  # The output layer's are each task's own, as biases and norms are.
        own, free = 6_144 + 5_507 + 9_856, weights
        for task in tasks:
            kept = free - free // 2  # Every layer has an even number of them, twice over.
            self.assertEqual(task["values"], kept + weights + own)
            self.assertEqual(task["bytes"], 4 * kept + weights // 8 + 4 * own)
            free -= kept

    def test_where_every_weight_is_owned_no_task_is_begun(self):
        config = self.config(PackNet(prune_ratio=0.0), tasks=("maps", "facades"))
        with self.assertRaisesRegex(
            ValueError, "no earlier one owns. .*prune more, .*Received: a network whose weights are all owned"
        ):
            SequentialTrainer(config)


if __name__ == "__main__":
    tf.test.main()
