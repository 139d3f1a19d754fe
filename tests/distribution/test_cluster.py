"""Checks the workers read from TF_CONFIG and Slurm, and the refusals."""

import dataclasses
import functools
import json
import os
import pathlib
import signal
import socket
import time
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest, parameterized

from pgtf.config import Config
from pgtf.distribution import collectives
from pgtf.distribution.cluster import cluster
from pgtf.methods import Piggyback
from pgtf.training.workers import check_alike
from tests.processes import Script

TRAIN = pathlib.Path(__file__).parents[2] / "scripts" / "train.py"
TWO = ["one:1", "two:1"]


def found(**environment):
    """The cluster in an environment that has no other variables of TensorFlow's and Slurm's."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("TF_CONFIG", "SLURM"))}
    with mock.patch.dict(os.environ, {**rest, **environment}, clear=True):
        resolver = cluster()
        return resolver.cluster_spec().as_dict(), resolver.task_type, resolver.task_id


def placed(text):
    """Prepares a worker process."""
    os.environ["TF_CONFIG"] = text


def free_port():
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


def is_free(address):
    """Whether nobody listens at an address."""
    host, port = address.split(":")
    with socket.socket() as one:
        return one.connect_ex((host, int(port))) != 0


def tf_config(jobs, kind="worker", index=0):
    return json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}})


def slurm(tasks, nodes, per_node, rank, **more):
    said = dict(STEP_NUM_TASKS=tasks, STEP_NODELIST=nodes, STEP_TASKS_PER_NODE=per_node, PROCID=rank, JOB_ID=20007)
    return {**{f"SLURM_{name}": str(value) for name, value in said.items()}, **more}


class ClusterTest(parameterized.TestCase):
    def test_of_tf_config(self):
        self.assertEqual(found(TF_CONFIG=tf_config({"worker": TWO}, index=1)), ({"worker": TWO}, "worker", 1))
        jobs = {"chief": ["one:1"], "worker": ["two:1"]}
        self.assertEqual(found(TF_CONFIG=tf_config(jobs, "chief")), (jobs, "chief", 0))

    def test_of_slurm(self):
        """Two tasks on the first node, one on the second; each has a port of its own on its node."""
        addresses = ["n1:10007", "n1:10008", "n2:10007"]
        for rank, node in enumerate(("n1", "n1", "n2")):
            said = slurm(3, "n[1-2]", "2,1", rank, SLURMD_NODENAME=node)
            self.assertEqual(found(**said), ({"worker": addresses}, "worker", rank))

    @parameterized.parameters(
        "{",
        "[]",
        "null",
        "{}",
        '{"cluster": {"worker": ["one:1", "two:1"]}}',
        tf_config({}),
        tf_config({"worker": TWO}, "chief"),
        tf_config({"worker": TWO}, index=2),
        tf_config({"worker": TWO}, index=-1),
        tf_config({"worker": TWO}, index="first"),
        tf_config({"worker": TWO}, index=float("inf")),
        tf_config({"worker": TWO}, index=float("nan")),
        tf_config({"worker": TWO, "ps": ["three:1"]}),
        tf_config({"worker": "one:1"}),
        tf_config({"worker": 2}),
        tf_config({"worker": TWO, "chief": TWO}),
    )
    def test_a_tf_config_that_does_not_name_this_worker(self, text):
        with self.assertRaisesRegex(ValueError, "TF_CONFIG must list all workers and name this one: {.*Received: "):
            found(TF_CONFIG=text)

    @parameterized.parameters(
        ({"TF_CONFIG": tf_config({"worker": ["one:1"]})}, "at least two workers.*Received: one:1"),
        ({"TF_CONFIG": tf_config({"worker": ["one:1", "one:1"]})}, "different addresses.*Received: one:1, one:1"),
        ({}, "needs TF_CONFIG, .*or Slurm.*Received: neither"),
        (slurm(1, "n1", "1", 0), "at least two workers.*Received: n1:10007"),
        (slurm("two", "n1", "2", 0), "Slurm must list the tasks of a step.*Received: invalid literal"),
        ({"SLURM_STEP_NUM_TASKS": "2"}, "Slurm must list the tasks of a step.*Received: SLURM_PROCID not found"),
        # TensorFlow puts n10 first, Slurm n9.
        (
            slurm(2, "n[9-10]", "1(x2)", 0, SLURMD_NODENAME="n9"),
            "order of their names.*Received: task 0 on n9, not n10",
        ),
    )
    def test_what_is_refused(self, environment, message):
        with self.assertRaisesRegex(ValueError, message):
            found(**environment)


class WaitingTest(parameterized.TestCase):
    @parameterized.parameters(signal.SIGINT, signal.SIGTERM)
    @pytest.mark.long
    def test_a_signal_ends_a_process_that_waits_for_its_peers(self, number):
        with socket.create_server(("localhost", 0)) as one:  # Whose worker never comes.
            own, none = f"localhost:{free_port()}", f"localhost:{one.getsockname()[1]}"
            jobs = {"worker": [none, own]}
            run_dir = os.path.join(self.create_tempdir().full_path, "run")
            flags = f"--run_dir={run_dir}", "--tasks=maps", "--distribute=multi_worker", "--image_size=8", "--width=2"
            process = Script(TRAIN, *flags, before=functools.partial(placed, tf_config(jobs, index=1)))
            while process.poll() is None and "Waits for all workers" not in process.said():
                time.sleep(0.05)
            while process.poll() is None and is_free(own):
                time.sleep(0.05)
            time.sleep(0.2)  # It waits in TensorFlow now.
            process.send_signal(number)
            _, errors = process.communicate(timeout=2)
            self.assertEqual((process.poll(), errors.split(".")[0]), (130, "\nStopped"))
            self.assertTrue(is_free(own))


class AlikeTest(parameterized.TestCase):
    def checked(self, *configs):
        """Each config is a worker's."""
        said = []
        with mock.patch.object(collectives, "all_gather", lambda own: said.append(own) or np.array([own])):
            for config in configs:
                check_alike(vars(config), tf.distribute.get_strategy())
        with mock.patch.object(collectives, "all_gather", lambda _: np.array(said)):
            check_alike(vars(configs[0]), tf.distribute.get_strategy())

    @parameterized.parameters(
        (dict(steps=7), "--steps"),
        (dict(width=32, tasks=("maps",)), "--tasks, --width"),
        (dict(method=Piggyback(0.5)), "--method"),
        (dict(override=("maps:steps=3",)), "--override"),
    )
    def test_other_settings_than_the_chiefs(self, settings, names):
        one = Config()
        with self.assertRaisesRegex(ValueError, f"the same settings. Received: worker 2 with another {names} than"):
            self.checked(one, one, dataclasses.replace(one, **settings))

    def test_what_is_each_machines_own(self):
        self.checked(Config(), Config(run_dir="elsewhere", data_dir="there", cache_mb=1))


if __name__ == "__main__":
    absltest.main()
