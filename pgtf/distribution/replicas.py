"""Training on several devices: each holds a replica, which sees its part of a batch. On one device there is one.

What a replica makes of its part is what one device would make of those rows of the whole batch.
"""

from __future__ import annotations

import concurrent.futures
import functools
from typing import Any, Callable

import tensorflow as tf

# Of a variable that each replica changes for itself, and all in the same way: counts, averages, pools.
REPLICA_LOCAL: dict[str, Any] = dict(
    trainable=False,
    synchronization=tf.VariableSynchronization.ON_READ,
    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
)


def count() -> int:
    """How many there are."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def number() -> Any:
    """Which of them this is, from 0."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0


def together(part: tf.Tensor) -> tf.Tensor:
    """The whole batch [count·n, …] of which each replica has a part [n, …]."""
    context = tf.distribute.get_replica_context()
    if count() == 1 or not context:
        return part
    return tf.ensure_shape(context.all_gather(part, 0), [count() * part.shape[0], *part.shape[1:]])


def local_shard(batch: tf.Tensor) -> tf.Tensor:
    """This replica's part of a whole batch."""
    if count() == 1:
        return batch
    return tf.gather(tf.stack(tf.split(batch, count())), number())


def mean(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """{name: scalar}, each the mean over all replicas."""
    context = tf.distribute.get_replica_context()
    if count() == 1 or not context:
        return values
    means = context.all_reduce(tf.distribute.ReduceOp.MEAN, tf.stack(list(values.values())))
    return dict(zip(values, tf.unstack(means)))


def outside_strategy(work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, done as on one device: what it makes has no replicas, and no other process waits for it or has to."""

    @functools.wraps(work)
    def done(*arguments: Any) -> Any:
        if count() == 1:
            return work(*arguments)
        with concurrent.futures.ThreadPoolExecutor(1) as thread:  # A strategy's scope is that of a thread.
            return thread.submit(work, *arguments).result()

    return done
