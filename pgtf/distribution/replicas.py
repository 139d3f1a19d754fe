"""Replicas: copies of a model on several devices, each of which sees its shard of a batch. One device has one.

A replica computes for its shard what one device would compute for those rows of the global batch.
"""

from __future__ import annotations

import concurrent.futures
import functools
from typing import Any, Callable

import tensorflow as tf

# Arguments of a variable that every replica updates locally and identically: counters, averages, pools.
REPLICA_LOCAL: dict[str, Any] = dict(
    trainable=False,
    synchronization=tf.VariableSynchronization.ON_READ,
    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
)


def count() -> int:
    """Returns the number of replicas."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def index() -> Any:
    """Returns this replica's index, from 0."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0


def all_gather(shard: tf.Tensor) -> tf.Tensor:
    """Gathers the replicas' shards [n, …] into the global batch [count·n, …]."""
    context = tf.distribute.get_replica_context()
    if count() == 1 or not context:
        return shard
    return tf.ensure_shape(context.all_gather(shard, 0), [count() * shard.shape[0], *shard.shape[1:]])


def local_shard(batch: tf.Tensor) -> tf.Tensor:
    """Returns this replica's shard of a global batch."""
    if count() == 1:
        return batch
    return tf.gather(tf.stack(tf.split(batch, count())), index())


def mean(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns {name: mean of the scalar over all replicas}."""
    context = tf.distribute.get_replica_context()
    if count() == 1 or not context:
        return values
    means = context.all_reduce(tf.distribute.ReduceOp.MEAN, tf.stack(list(values.values())))
    return dict(zip(values, tf.unstack(means)))


def outside_strategy(work: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: runs a function outside the distribution strategy, as on one device.

    Variables that it creates are not replicated, and it needs no other process.
    """

    @functools.wraps(work)
    def done(*arguments: Any) -> Any:
        if count() == 1:
            return work(*arguments)
        with concurrent.futures.ThreadPoolExecutor(1) as thread:  # A strategy's scope is thread-local.
            return thread.submit(work, *arguments).result()

    return done
