"""Distribution strategies: the devices that a run trains on, through tf.distribute."""

import functools

import tensorflow as tf

from pgtf.distribution.cluster import cluster, supervise
from pgtf.foundation.logger import LOG


@functools.cache  # Two strategies in one process would receive each other's messages.
def strategy(distribute: str) -> tf.distribute.Strategy:
    """Returns the strategy with a replica on each device. For "multi_worker", call it before any use of TensorFlow.

    Args:
      distribute: "none": one device. "mirrored": all GPUs of this machine, or its logical CPUs if it has no GPU.
        "multi_worker": all GPUs of each process that TF_CONFIG or Slurm lists, or its CPU if it has no GPU.
    """
    if distribute == "none":
        return tf.distribute.get_strategy()
    if distribute == "multi_worker":
        return _of_all_workers()
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(found) < 2:
        raise ValueError(
            "--distribute=mirrored needs at least two devices. For one, use --distribute=none. "
            f"Received: {', '.join(device.name for device in found)}"
        )
    return tf.distribute.MirroredStrategy([device.name for device in found])


def _of_all_workers():
    supervise()  # Before TensorFlow initializes GPUs, which a forked child could not use then.
    found = cluster()
    LOG.info(f"Waits for all workers: {found.cluster_spec().as_dict()}; this is {found.task_type} {found.task_id}")
    return tf.distribute.MultiWorkerMirroredStrategy(found)


def check_batch(task: str, batch_size: int, accumulate: int, replicas: int) -> None:
    """Raises ValueError if a task's batch cannot be split into equal shards."""
    if batch_size % (replicas * accumulate):
        raise ValueError(
            "--batch_size must be a multiple of replicas × --accumulate. "
            f"Received: --batch_size={batch_size} of {task}, {replicas} replicas × --accumulate={accumulate}"
        )
