"""kill -9, at several moments, and then the same command: the slices are those of a run that was left in peace."""

import functools
import json
import os
import pathlib
import signal
import tempfile
import time

import pytest
import tensorflow as tf
from absl.testing import absltest

from pgtf.storage.bank import FilterBank
from tests.processes import Script

ROOT = pathlib.Path(__file__).parent.parent.parent
TRAIN = ROOT / "scripts" / "train.py"
FLAGS = [
    "--deterministic",
    "--width=2",
    "--discriminator_width=2",
    "--discriminator_layers=1",
    "--steps=8",
    "--drawn_images=4",
    "--steps_per_call=1",
    "--log_every=1",
    "--checkpoint_minutes=0",
]
PAIRED = ["--image_size=8x16", "--tasks=maps,facades"]
# Penalties at every third and at every second step: the first after a stop must come when it is due.
GENERATED = [
    "--objective=unconditional",
    "--network=stylegan2",
    "--norm=none",
    "--image_size=16",
    "--narrow_from=4",
    "--mapping_layers=1",
    "--method=width_wise",
    "--tasks=faces,cats",
    "--batch_size=4",
    "--r1_every=3",
    "--path_length_every=2",
]


def step_by_step():
    """Traces nothing: what is killed here is the writing of files."""
    tf.config.run_functions_eagerly(True)


def dying(ending):
    """Makes this process end, as if killed, just before it puts a whole file in its place, the first of this name."""
    step_by_step()
    real = os.replace

    def replace(source, target):
        if str(target).endswith(ending):
            os._exit(9)
        real(source, target)

    os.replace = replace


@pytest.mark.long
class ResumeTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def begun(self, flags, run="killed", before=step_by_step):
        """train.py, running."""
        process = Script(TRAIN, f"--run_dir={self.folder / run}", *FLAGS, *flags, before=before)
        self.addCleanup(process.kill)
        return process

    def finished(self, process):
        said, errors = process.communicate()
        self.assertEqual(process.returncode, 0, errors)
        return said

    def killed_when(self, process, place, pattern):
        """Kills a process as soon as a file is in a task's training folder."""
        while not list((self.folder / "killed" / "tasks" / place / "train").glob(pattern)):
            self.assertIsNone(process.poll(), "over before it was killed")
            time.sleep(0.001)
        process.kill()
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGKILL)

    def killed_before(self, flags, file):
        process = self.begun(flags, before=functools.partial(dying, file))
        _, errors = process.communicate()
        self.assertEqual(process.returncode, 9, errors)

    def tasks(self, run="killed"):
        """The numbers of the tasks whose slices are whole."""
        return sorted(path.parent.name[:2] for path in (self.folder / run / "tasks").glob("*/slice.json"))

    def assertSameSlices(self):
        peaceful, killed = (FilterBank.open(str(self.folder / run / "tasks")) for run in ("peaceful", "killed"))
        self.assertEqual(killed.names, peaceful.names)
        for index in range(len(peaceful)):
            expected, values = peaceful.slice(index).values, killed.slice(index).values
            self.assertEqual(values.keys(), expected.keys())
            for path in expected:
                self.assertEqual(values[path].tobytes(), expected[path].tobytes(), f"{killed.names[index]} {path}")

    def replays(self, run="killed"):
        """[(after, replayed), …] of the log, where they are bit-equal."""
        lines = [json.loads(line) for line in (self.folder / run / "log.jsonl").read_text().splitlines()]
        return [(line["after"], line["replayed"]) for line in lines if line.get("bit_equal")]

    def test_pairs(self):
        peaceful = self.begun(PAIRED, "peaceful")
        # With the probes and the tensors on disk.
        self.killed_before(PAIRED, "01-maps/slice.json")
        self.assertTrue((self.folder / "killed/tasks/01-maps/slice.safetensors").exists())
        self.assertEqual(self.tasks(), [])
        # In the middle of the second task, while a checkpoint is being written.
        self.killed_when(self.begun(PAIRED), "02-facades", ".writing-step-[3-7]")
        self.assertEqual(self.tasks(), ["01"])
        # With the second slice on disk, before its replay is recorded and it is pictured.
        self.killed_before(PAIRED, "02-facades/replays.json")
        self.assertEqual(self.tasks(), ["01", "02"])
        self.finished(self.begun(PAIRED))
        self.finished(peaceful)
        self.assertSameSlices()
        self.assertEqual(self.replays()[0], ("maps", "maps"))
        self.assertEqual(self.replays()[-2:], [("facades", "maps"), ("facades", "facades")])
        self.assertEqual(
            sorted(path.name for path in (self.folder / "killed/samples").iterdir()),
            sorted(path.name for path in (self.folder / "peaceful/samples").iterdir()),
        )
        for place in (self.folder / "killed" / "tasks").iterdir():
            self.assertEqual({path.name[:6] for path in (place / "train").iterdir()}, {"events"})

    def test_generated_images(self):
        peaceful = self.begun(GENERATED, "peaceful")
        self.killed_when(self.begun(GENERATED), "01-faces", ".writing-step-[3-7]")
        self.killed_when(self.begun(GENERATED), "02-cats", ".writing-step-[3-7]")
        self.assertEqual(self.tasks(), ["01"])
        self.finished(self.begun(GENERATED))
        self.finished(peaceful)
        self.assertSameSlices()


if __name__ == "__main__":
    absltest.main()
