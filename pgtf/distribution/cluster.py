"""Cluster: the worker processes of a run, read from TF_CONFIG or Slurm."""

import ctypes
import json
import os
import signal
import sys
from typing import Any

import tensorflow as tf

_FORM = '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'
_PR_SET_PDEATHSIG = 1  # An option of prctl(2).
_FIRST_PORT, _PORTS = 10000, 20000  # Ports of Slurm jobs; a job's port follows from its id, as jobs may share a node.


def cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    """Returns the resolver of the addresses of all workers and of this process's index.

    The chief comes first. Without a chief, worker 0 does.
    """
    text = os.environ.get("TF_CONFIG", "")
    if text:
        _check(text)
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if "SLURM_STEP_NUM_TASKS" in os.environ:
        return _slurm_cluster()
    raise ValueError(
        "--distribute=multi_worker needs TF_CONFIG, which lists all workers, or Slurm (srun). Received: neither "
        "TF_CONFIG nor SLURM_STEP_NUM_TASKS in the environment"
    )


def supervise() -> None:
    """Continues in a child process. The parent waits for it, kills it if interrupted, and exits with its status.

    While TensorFlow waits for peers it holds Python's GIL, and it handles SIGTERM itself: no signal would end it.
    """
    sys.stdout.flush()
    child = os.fork()
    if not child:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # Killing the parent kills the child.
        return
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except KeyboardInterrupt:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


def _check(text: str) -> None:
    """Raises ValueError unless TF_CONFIG lists two workers or more and names one of them."""
    try:
        plain: Any = json.loads(text)
        jobs, task = plain["cluster"], plain["task"]
        named = {job: [str(address) for address in addresses] for job, addresses in jobs.items()}
        fits = set(named) <= {"chief", "worker"} and 0 <= int(task["index"]) < len(named[task["type"]])
        fits = fits and len(named.get("chief", [])) <= 1 and all(isinstance(each, list) for each in jobs.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        fits = False
    if not fits:
        raise ValueError(f"TF_CONFIG must list all workers and name this one: {_FORM}. Received: {text}")
    _check_count([address for addresses in named.values() for address in addresses])


def _slurm_cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    """Returns the resolver of a Slurm step: each Slurm task is a worker with the GPUs that it sees."""
    port = _FIRST_PORT + int(os.environ.get("SLURM_JOB_ID", 0)) % _PORTS
    try:
        # gpus_per_node only bounds the number of tasks on a node; without it the resolver counts GPUs itself.
        count = int(os.environ["SLURM_STEP_NUM_TASKS"])
        found = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=port, gpus_per_node=count, gpus_per_task=1, auto_set_gpu=False
        )
        spec = found.cluster_spec()
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"Slurm must list the tasks of a step, as srun does. Received: {error}") from error
    job, index = found.get_task_info()
    addresses = spec.as_dict()["worker"]
    _check_count(addresses)
    here, expected = os.environ.get("SLURMD_NODENAME"), addresses[index].rpartition(":")[0]
    if here and here != expected:  # TensorFlow sorts nodes by name: n10 before n9.
        raise ValueError(
            "Slurm's nodes must be in the order of their names. For other nodes, set TF_CONFIG. "
            f"Received: task {index} on {here}, not {expected}"
        )
    seen = {"GPU": len(tf.config.list_physical_devices("GPU"))}
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        spec, task_type=job, task_id=index, num_accelerators=seen, rpc_layer="grpc"
    )


def _check_count(addresses):
    if len(set(addresses)) < 2 or len(set(addresses)) < len(addresses):
        raise ValueError(
            "--distribute=multi_worker needs at least two workers with different addresses. For one, use mirrored. "
            f"Received: {', '.join(addresses)}"
        )
