"""Runs that go on: after changes, after damage, with other settings; what is refused, and what is said."""

import contextlib
import dataclasses
import io
import logging
import os
import shutil
import signal
import time
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.record_probes import record_probes
from pgtf.config import Config, load_config, resumed, task_plans
from pgtf.foundation import files
from pgtf.methods import Piggyback
from pgtf.objectives import CycleGAN, Pix2Pix
from pgtf.runs.run import Run
from pgtf.serving.export import export
from pgtf.serving.saved_model import SavedModel
from pgtf.storage.values import HeldValues
from pgtf.training.sequence import SequentialTrainer
from tests.processes import Script
from tests.tiny import flip_a_bit, tiny_run

pytestmark = pytest.mark.usefixtures("step_by_step")

TINY = Config(
    tasks=("maps",),
    image_size="8x16",
    width=4,
    discriminator_width=2,
    discriminator_layers=1,
    steps=2,
    drawn_images=4,
    steps_per_call=1,
    checkpoint_minutes=0,
)
UNPAIRED = dataclasses.replace(
    TINY, objective=CycleGAN(pool_size=2), network="resnet", options=(("blocks", 1),), image_size="16"
)


def ran(config, **changes):
    """Runs a config with these changes and returns its output."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        SequentialTrainer(dataclasses.replace(config, **changes)).run()
    return said.getvalue()


def each_step_by_step():
    """Traces nothing in a process."""
    tf.config.run_functions_eagerly(True)


def values(run_dir, task):
    return {path: np.array(value) for path, value in Run(run_dir).bank[task].values.items()}


class GoingOnTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = os.path.join(self.create_tempdir().full_path, "run[1]*")
        self.tiny, self.unpaired = (dataclasses.replace(config, run_dir=self.run_dir) for config in (TINY, UNPAIRED))

    def at(self, *parts):
        return os.path.join(self.run_dir, *parts)

    def stopped(self, config, step):
        """Runs until a step, as if a terminal had been closed."""

        def closing(model, steps_done=step):
            if int(model.steps_done) == steps_done:
                raise KeyboardInterrupt

        with mock.patch(
            "pgtf.training.callbacks.ShowProgress.on_train_batch_end", lambda self, *_, **__: closing(self.model)
        ):
            with self.assertRaises(KeyboardInterrupt):
                ran(config)

    @parameterized.named_parameters(
        ("in_the_second_task", TINY, ("maps",), dict(norm="batch", upsampling="resize", batch_size=3)),
        (
            "both_ways_long",
            UNPAIRED,
            (),
            dict(norm="batch", precision="mixed_float16", image_size="16x32", batch_size=2),
        ),
    )
    def test_interrupted_and_gone_on_with_it_is_the_same_run(self, config, before, changes):
        peaceful = os.path.join(self.create_tempdir().full_path, "peaceful")
        config = dataclasses.replace(config, run_dir=self.run_dir, steps=3, deterministic=False, **changes)
        if before:
            ran(config, tasks=before)
            shutil.copytree(self.run_dir, peaceful)
        config = dataclasses.replace(config, tasks=(*before, "facades"))
        ran(config, run_dir=peaceful)
        self.stopped(config, 2)
        self.assertIn("goes on from step 2", ran(config))
        for task in config.tasks:
            expected = values(peaceful, task)
            for path, value in values(self.run_dir, task).items():
                self.assertAllClose(value, expected[path], atol=1e-5, msg=path)

    def test_a_shared_bank_begins_each_way_as_the_first_tasks_same_way(self):
        config = dataclasses.replace(self.unpaired, method=Piggyback(share_bank=True), tasks=("maps", "facades"))
        run = Run(tiny_run(self.run_dir, ("maps",), "resnet", "cyclegan", method=config.method))
        first, second = run["maps"].networks, build.learner(task_plans(config)[1], run.bank, steps=1).generators
        for prefix in ("forward", "backward"):
            for name in layers.made_kernels(first[prefix]):
                kernels = [
                    networks[prefix].get_layer(name.split("/")[1]).recipe.kernel().numpy()
                    for networks in (first, second)
                ]
                self.assertAllClose(kernels[1], kernels[0], atol=1e-6, msg=name)
        kernels = [first[prefix].get_layer("down1").recipe.kernel().numpy() for prefix in ("forward", "backward")]
        self.assertNotAllClose(*kernels, atol=1e-3)  # Else exchanged ones would not show.

    def test_a_changed_task_alarms_until_it_is_whole_again(self):
        tiny_run(self.run_dir, ("maps",), size=TINY.size)
        with (
            mock.patch("pgtf.storage.probes.TOLERANCE", -1.0),
            mock.patch(
                "pgtf.assembly.replay.outputs",
                lambda network, images: np.full(images.shape, 0.5, "float32"),
            ),
        ):
            for _ in range(2):
                with self.assertRaisesRegex(ValueError, "have changed.*Received: other outputs than recorded: maps"):
                    ran(self.tiny, tasks=("maps", "facades"))
        self.assertEqual(Run(self.run_dir).names, ["maps"])
        for ask in (
            lambda: Run(self.run_dir)["maps"],
            lambda: export(Run(self.run_dir), self.at("out"), [SavedModel()]),
        ):
            with self.assertRaisesRegex(ValueError, "changed since it was learned.*Received: 'maps'"):
                ask()
        ran(self.tiny)  # Whole again.
        self.assertEqual(Run(self.run_dir)["maps"].name, "maps")

    def test_learnt_tasks_keep_their_order_without_a_config_too(self):
        tiny_run(self.run_dir, ("maps", "facades"), size=TINY.size)
        os.unlink(self.at("config.cfg"))
        with self.assertRaisesRegex(ValueError, "Received: --tasks=facades,maps, where .* has learned maps,facades"):
            ran(self.tiny, tasks=("facades", "maps"))
        for wrong in (dict(width=3), dict(method=Piggyback(0.5))):
            with self.assertRaisesRegex(ValueError, "A run can't change its .* Received: "):
                ran(self.tiny, tasks=("maps", "facades"), **wrong)
        self.assertFalse(os.path.exists(self.at("config.cfg")))

    def test_a_lost_config_is_given_again_as_it_was(self):
        ran(self.tiny)
        os.unlink(self.at("config.cfg"))
        for wrong, now, was in (
            (dict(seed=1), "seed=1", "seed=0"),
            (dict(learning_rate=0.5, steps=9), "steps=9, learning_rate=0.5", "steps=2, learning_rate=0.0002"),
            (dict(objective=Pix2Pix(3.0)), "l1_weight=3.0", "l1_weight=100.0"),
        ):
            with self.assertRaisesRegex(ValueError, f"Received: {now} for maps, whose slice has {was}"):
                ran(self.tiny, **wrong)
        self.assertFalse(os.path.exists(self.at("config.cfg")))
        self.assertIn("the one task is learned", ran(self.tiny, checkpoint_minutes=1, batch_size=1))

    def test_a_finished_run_says_so_in_one_line(self):
        tiny_run(self.run_dir, ("maps", "facades"), size=TINY.size)
        config = dataclasses.replace(self.tiny, tasks=("maps", "facades"))
        ran(config)  # Replays and samples.
        line = f"{self.run_dir}: all 2 tasks are learned, from drawn images; done since 2024-02-02 03:04."
        self.assertEqual(ran(config), f"{line}\n")
        left = self.at("report", ".writing-x")  # By a process that was killed.
        files.write(left, b"")
        said = ran(config, data_dir="/mine")
        self.assertFalse(os.path.exists(left))
        self.assertEqual(said, f"{line} Nothing is learned from /mine. A new run: --run_dir=DIR\n")
        self.assertEqual(load_config(self.run_dir).data_dir, "")

    def test_a_run_whose_later_tasks_share_nothing_warns(self):
        with mock.patch.object(SequentialTrainer, "_task"), mock.patch.object(SequentialTrainer, "_stored"):
            for free, told in ((10**9, True), (0, False)):
                said = ran(self.tiny, tasks=("maps", "facades"), width=16, method=Piggyback(free_up_to=free))
                self.assertEqual("warning: 1 of 1 later tasks store no less than a full network" in said, told)

    def test_lost_tasks_are_told_and_nothing_is_written(self):
        tiny_run(self.run_dir, ("maps",), size=TINY.size)
        ran(self.tiny)
        shutil.rmtree(self.at("tasks"))
        before = {name: os.stat(self.at(name)).st_mtime_ns for name in os.listdir(self.run_dir)}
        with self.assertRaisesRegex(
            ValueError, "learned task was moved or removed. Received: nothing in place of 01-maps"
        ):
            ran(self.tiny, width=3)
        after = {name: os.stat(self.at(name)).st_mtime_ns for name in os.listdir(self.run_dir)}
        self.assertEqual({**before, ".lock": 0}, {**after, ".lock": 0})

    @pytest.mark.long
    def test_damaged_probes_are_told_before_more_is_learnt_and_can_be_given_up(self):
        tiny_run(self.run_dir, ("maps",), size=TINY.size)
        ran(self.tiny)
        flip_a_bit(self.at("tasks", "01-maps", "probes.safetensors"))
        with self.assertRaisesRegex(ValueError, "continues without this proof.*Received: .*01-maps"):
            ran(self.tiny, tasks=("maps", "facades"), steps=1)
        self.assertEqual(os.listdir(self.at("tasks")), ["01-maps"])
        os.unlink(self.at("tasks", "01-maps", "probes.safetensors"))
        said = ran(self.tiny, tasks=("maps", "facades"), steps=1)
        self.assertIn("maps: its probes are missing", said)
        self.assertIn("facades replays bit-equal", said)

    @pytest.mark.long
    def test_a_task_with_settings_of_its_own_keeps_them_while_it_is_learnt(self):
        config = dataclasses.replace(self.tiny, tasks=("maps", "facades"))
        self.stopped(config, 1)
        override = ("maps:batch_size=2", "facades:steps=3,l1_weight=7")
        with self.assertRaisesRegex(ValueError, r"settings that it began with.* for maps, batch_size=2, not 1"):
            ran(config, override=override)
        shutil.rmtree(self.at("tasks", "01-maps"))
        ran(config, override=override)
        maps, facades = (task.facts for task in Run(self.run_dir))
        found = [(facts.training["batch_size"], facts.steps, facts.objective.l1_weight) for facts in (maps, facades)]
        self.assertEqual(found, [(2, 2, 100.0), (1, 3, 7.0)])

    @pytest.mark.long
    def test_a_tasks_files_stay_while_it_is_learnt_and_may_move(self):
        data = self.create_tempdir().full_path
        self._images(data, "maps", 4)
        config = dataclasses.replace(self.tiny, data_dir=data)
        self.stopped(config, 1)
        self._images(data, "maps", 6)
        with self.assertRaisesRegex(ValueError, "train: 2 files more"):
            ran(config)
        for number in (4, 5):
            os.unlink(os.path.join(data, "maps", "train", f"{number}.png"))
        moved = f"{data}-moved"
        os.rename(data, moved)
        self.assertIn("goes on from step 1", ran(config, data_dir=moved))
        # A run on drawn images learns a task of real ones, and what came since is nobody's business.
        self._images(moved, "maps", 9)
        self._images(moved, "facades", 3)
        ran(config, data_dir=moved, tasks=("maps", "facades"))
        self.assertEqual(Run(self.run_dir)["facades"].facts.images["train"]["count"], 3)

    def test_a_task_whose_images_are_all_bad_can_be_taken_back(self):
        data = self.create_tempdir().full_path
        tiny_run(self.run_dir, ("maps",), size=TINY.size)
        os.makedirs(os.path.join(data, "bad", "train"))
        with open(os.path.join(data, "bad", "train", "x.png"), "w") as file:
            file.write("no image")
        config = dataclasses.replace(self.tiny, data_dir=data, bad_images="skip")
        with self.assertRaisesRegex(ValueError, "At least one image"):
            ran(config, tasks=("maps", "bad"))
        self.assertEqual(Run(self.run_dir).names, ["maps"])
        recorded = dataclasses.replace(config, tasks=("maps", "bad"))
        self.assertEqual(resumed(recorded, config, ["maps"]), config)

    @parameterized.parameters(
        (dict(), "output", "every forward output is the same, or one plain colour. "),
        (
            dict(tasks=("shapes",), network="resnet18", objective="classification"),
            "scores",
            "forward output is the same. ",
        ),
    )
    def test_outputs_that_are_all_the_same_are_told(self, settings, last, said):
        task = Run(tiny_run(self.create_tempdir().full_path, **settings)).at(0)
        values = {
            path: np.zeros_like(value) if path.startswith(f"forward/{last}/") else np.array(value)
            for path, value in task.slice.values.items()
        }
        for made, told in ((values, True), ({path: np.array(task.slice.values[path]) for path in values}, False)):
            with self.assertLogs("pgtf", "WARNING") as found:
                logging.getLogger("pgtf").warning("as ever")
                record_probes(
                    dataclasses.replace(task.slice, values=HeldValues(made)),
                    task.bank,
                    task.probes,
                    self.create_tempdir().full_path,
                )
            self.assertEqual(said in found.output[-1], told)

    def test_a_signal_saves(self):
        flags = [
            f"--{name}={value}"
            for name, value in dataclasses.replace(self.tiny, steps=10**6, log_every=2).flat().items()
        ]
        flags = [flag for flag in flags if not flag.startswith(("--override", "--tasks", "--direction"))]
        flags += ["--tasks=maps", "--checkpoint_minutes=60"]
        process = Script("scripts/train.py", *flags, before=each_step_by_step)
        log = self.at("log.jsonl")
        while process.poll() is None and not os.path.exists(log):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("Stopped. The same command continues from the last checkpoint.", errors)
        self.assertLen([name for name in os.listdir(self.at("tasks", "01-maps", "train")) if name[:5] == "step-"], 1)

    @staticmethod
    def _images(data, task, count):
        folder = os.path.join(data, task, "train")
        os.makedirs(folder, exist_ok=True)
        for number in range(count):
            pixels = np.random.default_rng(number).integers(0, 256, [18, 36, 3], dtype="uint8")
            Image.fromarray(pixels).save(os.path.join(folder, f"{number}.png"))


if __name__ == "__main__":
    tf.test.main()
