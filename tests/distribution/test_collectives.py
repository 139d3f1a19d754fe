"""A run learnt by two processes is that of one; one of them may be killed. What does not fit together is refused."""

import contextlib
import dataclasses
import functools
import io
import json
import os
import pathlib
import signal
import socket

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest
from safetensors.numpy import load_file

from pgtf.config import Config, flagfile
from pgtf.foundation import files
from pgtf.methods import WidthWise
from pgtf.objectives import Unconditional
from pgtf.storage.bank import FilterBank
from pgtf.training.callbacks import StopIfNotFinite
from pgtf.training.sequence import SequentialTrainer
from tests.processes import Script
from tests.tiny import learn

pytestmark = pytest.mark.usefixtures("step_by_step")  # This process; not the two that it starts.

TRAIN = pathlib.Path(__file__).parents[2] / "scripts" / "train.py"
TINY = Config(
    tasks=("maps", "facades"),
    image_size="16",
    width=2,
    discriminator_width=2,
    discriminator_layers=1,
    batch_size=4,
    steps=4,
    drawn_images=8,
    steps_per_call=1,
    checkpoint_minutes=0,
    precision="float32",
    evaluate=False,
)
FACES = dataclasses.replace(
    TINY,
    tasks=("faces", "cats"),
    schedule="together",
    method=WidthWise(0.5),
    network="stylegan2",
    norm="none",
    objective=Unconditional(r1_every=2, path_length_weight=0.0),
    options=(("mapping_layers", 1), ("narrow_from", 4)),
    batch_size=8,
    steps=2,
    learning_rate=2e-3,
)
LEARNT = "unconstrained", "mixing", "free"  # Not biases: see two_devices.py.


def placed(tf_config, dies_after):
    """Sets a worker up. dies_after: a file; once it exists, the worker dies at its second step."""
    os.environ["TF_CONFIG"] = tf_config
    goes_on = StopIfNotFinite.on_train_batch_end

    def dies(self, batch, logs=None):
        goes_on(self, batch, logs)
        if os.path.exists(dies_after) and self.model.done == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    if dies_after:
        StopIfNotFinite.on_train_batch_end = dies


def free_addresses(count):
    with_ports = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{one.getsockname()[1]}" for one in with_ports]
    for one in with_ports:
        one.close()
    return addresses


def tf_config(index, addresses):
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})


def ran_by_two(config, dies_after=""):
    """[(exit status, output, errors)] of the chief and of another worker, which may die."""
    path, addresses = os.path.join(os.path.dirname(config.run_dir), "flags.cfg"), free_addresses(2)
    pathlib.Path(path).write_text(flagfile.text(config))
    scripts = [
        Script(TRAIN, f"--flagfile={path}", before=functools.partial(placed, tf_config(index, addresses), dies))
        for index, dies in enumerate(("", dies_after))
    ]
    said = [script.communicate(timeout=300) for script in scripts]
    return [(script.returncode, *texts) for script, texts in zip(scripts, said)]


def learnt(run_dir):
    """{task/path: what is learnt} of a run."""
    bank = FilterBank.open(os.path.join(run_dir, "tasks"))
    return {
        f"{name}/{path}": np.array(value)
        for index, name in enumerate(bank.names)
        for path, value in bank.slice(index).values.items()
        if path.endswith(LEARNT)
    }


def discriminator(run_dir, task):
    """The kernels of a task's discriminator, in one array."""
    values = load_file(os.path.join(run_dir, "tasks", task, "discriminators.safetensors"))
    return np.concatenate([values[path].ravel() for path in sorted(values) if path.endswith("unconstrained")])


@pytest.mark.long
class TwoWorkersTest(tf.test.TestCase):
    def test_a_run_of_which_one_is_killed_ends_as_that_of_one_process(self):
        folder = self.create_tempdir().full_path
        alone, config = (
            dataclasses.replace(TINY, run_dir=os.path.join(folder, name), distribute=distribute)
            for name, distribute in (("alone", "none"), ("both", "multi_worker"))
        )
        learn(alone)
        (chief, _, errors), (other, *_) = ran_by_two(
            config, dies_after=os.path.join(config.run_dir, "tasks", "01-maps", "slice.json")
        )
        self.assertEqual((chief, other), (1, -signal.SIGKILL), errors)
        self.assertRegex(errors, "A worker was lost. Run the same command on all workers again to resume. Received")
        (chief, said, errors), (other, follows, complaints) = ran_by_two(config)
        self.assertEqual((chief, other), (0, 0), errors + complaints)
        self.assertIn("on 2 devices", said)
        self.assertRegex(said, r"task 2/2 facades: goes on from step [12]\n")  # The chief may end within its second.
        self.assertIn("worker 1 of 2", follows)
        expected, found = learnt(alone.run_dir), learnt(config.run_dir)
        self.assertEqual(expected.keys(), found.keys())
        for path, value in expected.items():
            self.assertAllClose(found[path], value, atol=1e-5, rtol=0, msg=path)

    def test_tasks_trained_jointly_by_both_are_those_of_one_process(self):
        folder = self.create_tempdir().full_path
        alone = dataclasses.replace(FACES, run_dir=os.path.join(folder, "alone"))
        config = dataclasses.replace(FACES, run_dir=os.path.join(folder, "both"), distribute="multi_worker")
        with contextlib.redirect_stdout(io.StringIO()):
            SequentialTrainer(alone).run()
        for status, _, errors in ran_by_two(config):
            self.assertEqual(status, 0, errors)
        expected, found = learnt(alone.run_dir), learnt(config.run_dir)
        self.assertEqual(expected.keys(), found.keys())
        for path, value in expected.items():
            self.assertAllClose(found[path], value, atol=1e-5, rtol=0, msg=path)
        discriminators = [
            [discriminator(run_dir, task) for task in ("01-faces", "02-cats")]
            for run_dir in (alone.run_dir, config.run_dir)
        ]
        for one, both in zip(*discriminators):
            self.assertAllClose(one, both, atol=1e-5, rtol=0)
        self.assertNotAllClose(*discriminators[0], atol=1e-3)  # Each task keeps its own.

    def test_a_run_at_which_another_process_works_is_busy_for_both(self):
        run_dir = os.path.join(self.create_tempdir().full_path, "run")
        with files.locked(run_dir):
            ended = ran_by_two(dataclasses.replace(TINY, run_dir=run_dir, distribute="multi_worker"))
        for status, _, errors in ended:
            self.assertEqual(status, 1, errors)
            self.assertIn("One process at a time trains in a run directory. Received: " + run_dir, errors)
            self.assertNotIn("worker was lost", errors)
        self.assertNotIn("tasks", os.listdir(run_dir))


if __name__ == "__main__":
    absltest.main()
