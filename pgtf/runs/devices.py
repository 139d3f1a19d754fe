"""The devices that a run learns on, through tf.distribute."""

import functools

import tensorflow as tf

from pgtf.config import Config


@functools.cache  # Two strategies in a process take one another's messages for their own.
def strategy(distribute: str) -> tf.distribute.Strategy:
    """What holds a replica on each device.

    Args:
      distribute: "none" or "mirrored": all GPUs of this machine; without any, its logical processors.

    Returns:
      A strategy; that of one device for "none".
    """
    if distribute == "none":
        return tf.distribute.get_strategy()
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(found) < 2:
        raise ValueError(
            "--distribute=mirrored needs two devices or more; one needs --distribute=none. "
            f"Received: {', '.join(device.name for device in found)}"
        )
    return tf.distribute.MirroredStrategy([device.name for device in found])


def check_batch(config: Config, replicas: int) -> None:
    """Refuses a batch that is not split into equal parts."""
    for task in config.tasks:
        own = config.for_task(task)
        if own.batch_size % (replicas * own.accumulate):
            raise ValueError(
                "Each replica has as many images: --batch_size must be a multiple of replicas × --accumulate. "
                f"Received: {own.batch_size} images for {replicas} × {own.accumulate}, {task}"
            )
