"""Training on several devices: each holds a replica, which sees its part of a batch. On one device there is one.

What a replica makes of its part is what one device would make of those rows of the whole batch.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

# Of a variable that each replica changes for itself, and all in the same way: counts, averages, pools.
ALIKE: dict[str, Any] = dict(
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


def own(batch: tf.Tensor) -> tf.Tensor:
    """This replica's part of a whole batch."""
    if count() == 1:
        return batch
    return tf.gather(tf.stack(tf.split(batch, count())), number())
