"""Whole runs, tiny: what they leave behind, what they refuse, and how they go on."""

import contextlib
import dataclasses
import functools
import gc
import io
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from pgtf.config import Config, load_config
from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.methods import Piggyback
from pgtf.objectives import CycleGAN
from pgtf.objectives.learner import Learner
from pgtf.runs.run import Run
from pgtf.storage.bank import FilterBank
from pgtf.storage.ledger import Ledger
from pgtf.training.observers import Observer
from pgtf.training.sequence import SequentialTrainer
from pgtf.training.stored_samples import write_samples
from tests.tiny import rewrite, tiny_run

pytestmark = pytest.mark.usefixtures("step_by_step")

ROOT = pathlib.Path(__file__).parent.parent.parent
TINY = Config(
    tasks=("maps", "facades"),
    image_size="8x16",
    width=2,
    discriminator_width=2,
    discriminator_layers=1,
    steps=6,
    drawn_images=4,
    log_every=2,
    sample_every=3,
    steps_per_call=3,
)
UNPAIRED = dataclasses.replace(
    TINY,
    objective=CycleGAN(),
    network="resnet",
    image_size="16",
    options=(("blocks", 1),),
    tasks=("photo2monet", "photo2ukiyoe"),
    steps=1,
    log_every=1,
    sample_every=1,
)


def ran(config, run_dir=None):
    """The run directory of a config, after running it, and what was said."""
    said = io.StringIO()
    config = dataclasses.replace(config, **({"run_dir": run_dir} if run_dir else {}))
    with contextlib.redirect_stdout(said):
        SequentialTrainer(config).run()
    return config.run_dir, said.getvalue()


@functools.lru_cache(None)
def once(config):
    """A run that tests may look at but not touch."""
    temporary = tempfile.TemporaryDirectory()
    return (*ran(config, os.path.join(temporary.name, "run")), temporary)[:3]


def lines(run_dir):
    with open(os.path.join(run_dir, "log.jsonl")) as file:
        return [json.loads(line) for line in file]


def summaries(folder):
    """{tag: [step, …]} of what went to TensorBoard."""
    found = {}
    for name in os.listdir(folder):
        if name.startswith("events"):
            for event in EventFileLoader(os.path.join(folder, name)).Load():
                for value in event.summary.value:
                    found.setdefault(value.tag, []).append(event.step)
    return found


def tensors(run_dir):
    bank = FilterBank.open(os.path.join(run_dir, "tasks"))
    return [bank.slice(index).values for index in range(len(bank))]


class RunTestCase(tf.test.TestCase):
    def assertSameTensors(self, first, second):
        self.assertEqual(first.keys(), second.keys())
        for path in first:
            self.assertEqual(first[path].tobytes(), second[path].tobytes(), path)

    def copied(self, config):
        folder = os.path.join(self.create_tempdir().full_path, "run")
        shutil.copytree(once(config)[0], folder)
        return folder


class PairedTest(RunTestCase):
    def test_after_each_task_all_so_far_replay_bit_for_bit(self):
        run_dir, said, _ = once(TINY)
        replays = [line for line in lines(run_dir) if "replayed" in line]
        self.assertEqual(
            [(line["after"], line["replayed"]) for line in replays],
            [("maps", "maps"), ("facades", "maps"), ("facades", "facades")],
        )
        for line in replays:
            self.assertTrue(line["bit_equal"])
            self.assertEqual(line["difference"], 0)
        self.assertIn("after facades: maps replays bit-equal", said)

    def test_tensorboard_has_losses_rates_pictures_and_the_config(self):
        run_dir, _, _ = once(TINY)
        for folder in ("01-maps", "02-facades"):
            found = summaries(os.path.join(run_dir, "tasks", folder, "train"))
            for tag in ("discriminator", "generator", "l1"):
                self.assertEqual(found[f"losses/{tag}"], [3, 6])
            self.assertEqual(found["training/learning_rate"], [3, 6])
            self.assertEqual(found["training/steps_per_second"], [3, 6])
            self.assertEqual(found["input-output-target"], [3, 6])
            self.assertIn("config", found)
        found = summaries(os.path.join(run_dir, "tensorboard"))
        self.assertEqual(found["maps/input-output-target"], [1])
        self.assertEqual(found["facades/input-output-target"], [2])

    def test_pictures_lie_in_a_folder_too(self):
        run_dir, _, _ = once(TINY)
        names = sorted(os.listdir(os.path.join(run_dir, "samples")))
        self.assertEqual(
            names,
            [
                "01-maps-input-output-target.png",
                "02-facades-input-output-target.png",
                "facades-input.png",
                "maps-input.png",
            ],
        )
        picture = np.asarray(Image.open(os.path.join(run_dir, "samples", "01-maps-input-output-target.png")))
        self.assertEqual(picture.shape, (4 * 8, 3 * 16, 3))
        self.assertAllEqual(
            picture[:8, :16], np.asarray(Image.open(os.path.join(run_dir, "samples", "maps-input.png")))
        )

    def test_pictures_of_earlier_tasks_are_drawn_again_where_the_new_one_answers_for_them(self):
        folder = tiny_run(self.create_tempdir().full_path, ("facades", "maps"), method="finetune")
        write_samples(Run(folder).at, 1, "maps", load_config(folder).objective, folder)
        self.assertEqual(
            sorted(os.listdir(os.path.join(folder, "samples"))),
            ["02-facades-input-output-target.png", "02-maps-input-output-target.png", "maps-input.png"],
        )

    @pytest.mark.long
    def test_no_network_of_a_learned_task_stays_in_memory(self):
        class Counting(Observer):
            def on_samples(self, run_dir):
                alive.append(sum(isinstance(one, Learner) for one in gc.get_objects()))

        alive, config = [], dataclasses.replace(TINY, steps=3, run_dir=self.create_tempdir().full_path)
        with contextlib.redirect_stdout(io.StringIO()):
            SequentialTrainer(config, Counting()).run()
        self.assertEqual(alive, [alive[0]] * len(TINY.tasks))

    def test_the_end_says_what_is_stored(self):
        run_dir, said, _ = once(TINY)
        for values in tensors(run_dir):
            self.assertIn(f" {sum(value.size for value in values.values()):,} ", said)
        self.assertIn("Drawn images stand in for real ones. For those: --data_dir=DIR", said)

    def test_log_lines(self):
        run_dir, _, _ = once(TINY)
        steps = [line for line in lines(run_dir) if "step" in line]
        self.assertEqual(
            [(line["task"], line["step"]) for line in steps],
            [("task 1/2 maps", 3), ("task 1/2 maps", 6), ("task 2/2 facades", 3), ("task 2/2 facades", 6)],
        )
        # Constant for half the steps; the sixth, of index 5, has a third of it left.
        self.assertAllClose([line["learning_rate"] for line in steps[:2]], [2e-4, 2e-4 / 3])

    def test_nothing_is_left_but_what_is_wanted(self):
        run_dir, _, _ = once(TINY)
        folder = os.path.join(run_dir, "tasks", "01-maps")
        kept = ["begun.json", "probes.safetensors", "replays.json", "slice.json", "slice.safetensors", "train"]
        self.assertEqual(sorted(os.listdir(folder)), kept)
        self.assertEqual({name[:6] for name in os.listdir(os.path.join(folder, "train"))}, {"events"})

    def test_a_finished_run_does_nothing_and_needs_no_data(self):
        run_dir = self.copied(TINY)
        before = {path: path.stat().st_mtime_ns for path in pathlib.Path(run_dir, "tasks").rglob("*")}
        with mock.patch("pgtf.data.drawn_sources.Drawn.__getitem__", side_effect=AssertionError("read")):
            ran(TINY, run_dir)
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in pathlib.Path(run_dir, "tasks").rglob("*")})
        self.assertEqual(lines(run_dir), lines(once(TINY)[0]))

    def test_a_finished_run_can_be_taught_more(self):
        run_dir = self.copied(TINY)
        before = tensors(run_dir)
        ran(dataclasses.replace(TINY, tasks=("maps", "facades", "cityscapes"), steps_per_call=2), run_dir)
        after = tensors(run_dir)
        self.assertLen(after, 3)
        for first, second in zip(before, after):
            self.assertSameTensors(first, second)
        replayed = [
            line["replayed"] for line in lines(run_dir) if line.get("after") == "cityscapes" and line["bit_equal"]
        ]
        self.assertEqual(replayed, ["maps", "facades", "cityscapes"])
        # The bank has grown: 2 filters of the first task and max(1, λ·2) = 1 of the second; mixing is [3, 1].
        self.assertEqual(after[2]["forward/down1/mixing"].shape, (3, 1))


class StagesTest(RunTestCase):
    """A stage is done if its last file exists."""

    def setUp(self):
        super().setUp()
        self.run_dir = self.copied(TINY)
        self.before = self.stamps()

    def at(self, *parts):
        return os.path.join(self.run_dir, *parts)

    def stamps(self):
        """{file: when it was written} of what the stages leave."""
        paths = [*pathlib.Path(self.run_dir).glob("tasks/*/*.*s*"), *pathlib.Path(self.run_dir).glob("samples/*")]
        return {str(path.relative_to(self.run_dir)): path.stat().st_mtime_ns for path in paths}

    def done_again(self):
        """The files that the same command wrote, and what it logged."""
        known = len(lines(self.run_dir))
        ran(TINY, self.run_dir)
        after = self.stamps()
        self.assertEqual(after.keys(), self.before.keys())
        logged = [(line["after"], line["replayed"]) for line in lines(self.run_dir)[known:]]
        return sorted(path for path, stamp in after.items() if stamp != self.before[path]), logged

    PICTURES = [
        "samples/02-facades-input-output-target.png",
        "samples/facades-input.png",
    ]

    def test_without_the_record_of_the_replays_only_these_are_done_again(self):
        os.unlink(self.at("tasks", "02-facades", "replays.json"))
        replays = [("facades", "maps"), ("facades", "facades")]
        self.assertEqual(self.done_again(), (["tasks/02-facades/replays.json"], replays))
        with open(self.at("tasks", "02-facades", "replays.json")) as file:
            record = json.load(file)
        self.assertEqual(record, {name: {"difference": 0.0, "bit_equal": True} for name in ("maps", "facades")})

    def test_without_the_last_picture_only_the_pictures_are_drawn_again(self):
        os.unlink(self.at("samples", "facades-input.png"))
        self.assertEqual(self.done_again(), (self.PICTURES, []))

    def test_what_an_earlier_task_lacks_is_made_up_for(self):
        os.unlink(self.at("tasks", "01-maps", "replays.json"))
        self.assertEqual(self.done_again(), (["tasks/01-maps/replays.json"], [("maps", "maps")]))

    def test_who_ended_between_learning_and_replaying_does_the_rest(self):
        """The slice is on disk, the ledger doesn't know of it yet, and the checkpoints are still there."""
        ledger = Ledger.read(self.run_dir)
        Ledger(ledger.learnt[:1]).write(self.run_dir)
        os.unlink(self.at("tasks", "02-facades", "replays.json"))
        os.unlink(self.at("samples", "facades-input.png"))
        os.makedirs(self.at("tasks", "02-facades", "train", "step-6"))
        replays = [("facades", "maps"), ("facades", "facades")]
        self.assertEqual(self.done_again(), ([*self.PICTURES, "tasks/02-facades/replays.json"], replays))
        self.assertEqual(Ledger.read(self.run_dir), ledger)
        names = {name[:6] for name in os.listdir(self.at("tasks", "02-facades", "train"))}
        self.assertEqual(names, {"events"})

    @pytest.mark.long
    def test_who_ended_between_two_pictures_draws_them_again(self):
        for name in self.PICTURES:
            os.unlink(self.at(name))
        save, saved = Image.Image.save, []

        def full(image, *arguments):
            saved.append(image)
            if len(saved) == 2:
                raise OSError("No space left on device")
            save(image, *arguments)

        with mock.patch.object(Image.Image, "save", full), self.assertRaisesRegex(OSError, "No space left"):
            ran(TINY, self.run_dir)
        self.assertEqual(sum(os.path.exists(self.at(name)) for name in self.PICTURES), 1)
        self.assertEqual(self.done_again(), (self.PICTURES, []))

    def test_a_replay_that_fails_is_no_stage_done(self):
        """Another output was recorded for the first task, by a liar whose hashes fit."""
        probes = load_file(self.at("tasks", "01-maps", "probes.safetensors"))
        probes["forward/outputs"][0, 1, 2, 0] += 0.1
        rewrite(self.at("tasks", "01-maps"), probes=probes)
        os.unlink(self.at("ledger.json"))
        os.unlink(self.at("tasks", "02-facades", "replays.json"))
        with self.assertRaisesRegex(ValueError, "Learned tasks have changed.*other outputs than recorded: maps$"):
            ran(TINY, self.run_dir)
        self.assertFalse(os.path.exists(self.at("tasks", "02-facades", "replays.json")))
        self.assertEqual(Ledger.read(self.run_dir).changed, ("maps",))
        with self.assertRaisesRegex(ValueError, "Learned tasks have changed"):  # Nor is it the second time.
            ran(TINY, self.run_dir)

    def test_a_learnt_task_that_is_lost_is_not_learnt_anew(self):
        shutil.rmtree(self.at("tasks", "02-facades"))
        before = self.stamps()
        with self.assertRaisesRegex(BankError, "Received: nothing in place of 02-facades"):
            ran(TINY, self.run_dir)
        self.assertEqual(self.stamps(), before)


class UnpairedTest(RunTestCase):
    def test_both_directions_of_all_tasks_replay_bit_for_bit(self):
        run_dir, _, _ = once(UNPAIRED)
        replays = [
            (line["replayed"], line["bit_equal"]) for line in lines(run_dir) if line.get("after") == "photo2ukiyoe"
        ]
        self.assertEqual(replays, [("photo2monet", True), ("photo2ukiyoe", True)])
        for values in tensors(run_dir):
            self.assertEqual({path.split("/")[0] for path in values}, {"forward", "backward"})

    def test_a_change_in_either_direction_would_be_seen(self):
        task = Run(once(UNPAIRED)[0])["photo2monet"]
        for prefix in ("forward", "backward"):
            bias = task.networks[prefix].get_layer("output").bias
            before = bias.numpy()
            bias.assign_add([1e-6, 0, 0])
            result = task.replay()
            self.assertFalse(result.bit_equal)
            self.assertGreater(result.difference, 0)
            bias.assign(before)
            self.assertTrue(task.replay().bit_equal)

    def test_tensorboard(self):
        run_dir, _, _ = once(UNPAIRED)
        found = summaries(os.path.join(run_dir, "tasks", "02-photo2ukiyoe", "train"))
        for kind in ("discriminator", "cycle", "identity"):
            for side in "ab":
                self.assertEqual(found[f"losses/{kind}_{side}"], [1])
        for tag in ("losses/generator_forward", "losses/generator_backward", "A-B-A", "B-A-B", "A-identity-B-identity"):
            self.assertEqual(found[tag], [1])
        found = summaries(os.path.join(run_dir, "tensorboard"))
        for name, steps in (("photo2monet", [1]), ("photo2ukiyoe", [2])):
            for kind in ("A-B-A", "B-A-B", "A-identity-B-identity"):
                self.assertEqual(sorted(found[f"{name}/{kind}"]), steps)
        self.assertEqual(found["photo2ukiyoe/one input, tasks 1 to 2"], [2])


class RefusalsTest(RunTestCase):
    def test_two_processes_on_one_run(self):
        run_dir = os.path.join(self.create_tempdir().full_path, "run")
        holder = (
            "import sys; from pgtf.foundation import files\n"
            "with files.locked(sys.argv[1]): print('held', flush=True); input()"
        )
        other = subprocess.Popen(
            [sys.executable, "-c", holder, run_dir], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.assertEqual(other.stdout.readline(), "held\n")
        with self.assertRaisesRegex(
            ValueError, f"One process at a time.*Received: .*run, where process {other.pid} is"
        ):
            ran(TINY, run_dir)
        self.assertEqual(os.listdir(run_dir), [".lock"])  # Nothing was touched.
        other.kill()
        other.communicate()
        with files.locked(run_dir):  # A killed process holds nothing.
            pass

    def test_a_missing_task_is_found_missing_before_the_first_is_learnt(self):
        run_dir = os.path.join(self.create_tempdir().full_path, "run")
        with self.assertRaisesRegex(ValueError, "Received: 'night2day'"):
            ran(dataclasses.replace(TINY, tasks=("maps", "night2day")), run_dir)
        self.assertFalse(os.path.exists(os.path.join(run_dir, "tasks")))

    def test_a_size_that_no_unet_takes(self):
        with self.assertRaisesRegex(ValueError, "power of two.* Received: 24x40"):
            SequentialTrainer(dataclasses.replace(TINY, image_size="24x40"))

    def test_another_run_in_the_same_folder_is_refused_where_its_flags_are_lost(self):
        run_dir = self.copied(TINY)
        for changes, rule in (
            (dict(width=3), "can't change its networks. .*width=3.*, where .* has .*width=2"),
            (dict(method=Piggyback(0.5)), "can't change its method. .*unconstrained_ratio=0.5.*, where .* has .*=0.25"),
            (dict(objective=CycleGAN()), "can't change its objective. .*'backward'.*, where"),
            (dict(tasks=("facades", "maps")), "new ones go to the end. .*has learned maps,facades"),
        ):
            with self.assertRaisesRegex(ValueError, rule):
                ran(dataclasses.replace(TINY, **changes), run_dir)

    @pytest.mark.long
    def test_a_full_disk_is_told_and_what_was_saved_is_whole(self):
        run_dir = os.path.join(self.create_tempdir().full_path, "run")
        config = dataclasses.replace(TINY, tasks=("maps",), steps=3)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, hard))  # No file grows longer: a checkpoint would.
        try:
            with self.assertRaisesRegex(
                OSError, "TensorFlow stopped with an error. Run the same command again .*Received: "
            ):
                ran(config, run_dir)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.assertFalse(os.path.exists(os.path.join(run_dir, "tasks", "01-maps", "slice.json")))
        _, said = ran(config, run_dir)
        self.assertIn("maps replays bit-equal", said)

    @pytest.mark.long
    def test_a_broken_image_among_real_ones(self):
        folder = self.create_tempdir().full_path
        for split, count in (("train", 3), ("test", 1)):
            os.makedirs(os.path.join(folder, "data", "maps", split))
            for number in range(count):
                image = np.random.default_rng(number).integers(0, 256, (16, 32, 3), dtype="uint8")
                Image.fromarray(image).save(os.path.join(folder, "data", "maps", split, f"{number}.png"))
        open(os.path.join(folder, "data", "maps", "train", "1.png"), "wb").close()
        config = dataclasses.replace(TINY, tasks=("maps",), data_dir=os.path.join(folder, "data"), steps=3)
        with self.assertRaisesRegex(ValueError, "^An image must be readable. Received: .*train/1.png"):
            ran(config, os.path.join(folder, "refused"))
        run_dir, said = ran(dataclasses.replace(config, bad_images="skip"), os.path.join(folder, "skipped"))
        self.assertRegex(said, r"maps: skipped 1 images\n.*train/1.png")
        self.assertEqual(FilterBank.open(os.path.join(run_dir, "tasks")).slice(0).facts.skipped_images, 1)


class PrecisionTest(RunTestCase):
    @pytest.mark.long
    def test_half_precision_learns_a_float32_slice(self):
        config = dataclasses.replace(TINY, precision="mixed_float16", tasks=("maps",), steps=2)
        run_dir, said = ran(config, os.path.join(self.create_tempdir().full_path, "run"))
        self.assertStartsWith(said, "Networks compute in mixed_float16 while they learn\n")
        self.assertIn("maps replays bit-equal", said)
        (values,) = tensors(run_dir)
        self.assertEqual({value.dtype for value in values.values()}, {np.dtype("float32")})


if __name__ == "__main__":
    tf.test.main()
