"""Training in several processes: each holds replicas of its own, and one of them, the chief, alone writes.

All of this asks the strategy in whose scope it is called; on one machine there is one worker, the chief.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


def count() -> int:
    """How many there are."""
    return len(_addresses())


def number() -> int:
    """Which of them this process is, from 0, the chief."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if count() == 1:
        return 0
    chiefs = len(resolver.cluster_spec().as_dict().get("chief", ()))
    return int(resolver.task_id + (chiefs if resolver.task_type == "worker" else 0))


def is_chief() -> bool:
    """Whether this process writes what is learnt."""
    return number() == 0


def all_gather(values: Sequence[int]) -> np.ndarray:
    """What each worker says here [workers, n], once all of them are here; as many whole numbers of each."""
    own = np.array(values, np.int64)
    if count() == 1:
        return own[None]
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync

    def row(context):
        """The values in the place of a replica, 0 in that of all others: their sum has all, and is one message."""
        return tf.one_hot([context.replica_id_in_sync_group] * len(own), replicas, dtype=tf.int64, axis=0) * own

    each = strategy.experimental_distribute_values_from_function(row)
    return strategy.reduce("SUM", each, axis=None).numpy()[:: replicas // count()]


def barrier() -> None:
    """Waits until all workers are here."""
    all_gather([0])


def broadcast_from_chief(value: float) -> float:
    """The chief's value, for all workers."""
    bits = np.array([value], np.float64).view(np.int64).tolist()
    return float(all_gather(bits)[0].view(np.float64)[0])


def _addresses():
    resolver = tf.distribute.get_strategy().cluster_resolver
    jobs = resolver.cluster_spec().as_dict() if resolver else {}
    return [*jobs.get("chief", ()), *jobs.get("worker", ())] or ["here"]
