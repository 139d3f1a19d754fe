"""Collective operations between worker processes. Each has its own replicas; only the chief writes files.

They use the strategy of the current scope. On one machine there is one worker, the chief.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


def worker_count() -> int:
    """Returns the number of workers."""
    return len(_addresses())


def worker_index() -> int:
    """Returns this worker's index. 0 is the chief."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if worker_count() == 1:
        return 0
    chiefs = len(resolver.cluster_spec().as_dict().get("chief", ()))
    return int(resolver.task_id + (chiefs if resolver.task_type == "worker" else 0))


def is_chief() -> bool:
    """Returns whether this process is the chief, which writes the run's files."""
    return worker_index() == 0


def all_gather(values: Sequence[int]) -> np.ndarray:
    """Gathers the values of all workers. Blocks until every worker has called it.

    Args:
      values: This worker's integers; as many on each worker.

    Returns:
      int64 [workers, n].
    """
    own = np.array(values, np.int64)
    if worker_count() == 1:
        return own[None]
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync

    def row(context):
        """Returns the values in this replica's row, 0 elsewhere. One sum over replicas then gathers all rows."""
        return tf.one_hot([context.replica_id_in_sync_group] * len(own), replicas, dtype=tf.int64, axis=0) * own

    each = strategy.experimental_distribute_values_from_function(row)
    return strategy.reduce("SUM", each, axis=None).numpy()[:: replicas // worker_count()]


def barrier() -> None:
    """Blocks until every worker has called it."""
    all_gather([0])


def broadcast_from_chief(value: float) -> float:
    """Returns the chief's value on every worker."""
    bits = np.array([value], np.float64).view(np.int64).tolist()
    return float(all_gather(bits)[0].view(np.float64)[0])


def _addresses():
    resolver = tf.distribute.get_strategy().cluster_resolver
    jobs = resolver.cluster_spec().as_dict() if resolver else {}
    return [*jobs.get("chief", ()), *jobs.get("worker", ())] or ["here"]
