"""The devices that a run learns on, through tf.distribute."""

import functools

import tensorflow as tf

from pgtf.distribution.cluster import cluster, supervise


@functools.cache  # Two strategies in a process take one another's messages for their own.
def strategy(distribute: str) -> tf.distribute.Strategy:
    """What holds a replica on each device; for several processes, before TensorFlow does anything else.

    Args:
      distribute: "none"; "mirrored": all GPUs of this machine, without any its logical processors; "multi_worker": all
        GPUs of each process that TF_CONFIG or Slurm names, without any its processor.

    Returns:
      A strategy; that of one device for "none".
    """
    if distribute == "none":
        return tf.distribute.get_strategy()
    if distribute == "multi_worker":
        return _of_all_workers()
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(found) < 2:
        raise ValueError(
            "--distribute=mirrored needs two devices or more; one needs --distribute=none. "
            f"Received: {', '.join(device.name for device in found)}"
        )
    return tf.distribute.MirroredStrategy([device.name for device in found])


def _of_all_workers():
    supervise()  # Before TensorFlow looks at GPUs, which no child could use then.
    found = cluster()
    print(
        f"Waits for all workers: {found.cluster_spec().as_dict()}, of which this is {found.task_type} {found.task_id}",
        flush=True,
    )
    return tf.distribute.MultiWorkerMirroredStrategy(found)


def check_batch(task: str, batch_size: int, accumulate: int, replicas: int) -> None:
    """Raises ValueError if a task's batch can't be split into equal parts."""
    if batch_size % (replicas * accumulate):
        raise ValueError(
            "Each replica has as many images: --batch_size must be a multiple of replicas × --accumulate. "
            f"Received: {batch_size} images for {replicas} × {accumulate}, {task}"
        )
