"""Seeds of named random streams: the seed is a hash of the name, so no two streams share their numbers."""

from __future__ import annotations

import hashlib

import tensorflow as tf


def seed_of(*names: str | int) -> int:
    """Returns the seed of a stream: the first 63 bits of the sha256 of its names, joined with "/"."""
    path = "/".join(str(name) for name in names)
    digest = hashlib.sha256(path.encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def counted(seed: int, count: tf.Tensor | int) -> tf.Tensor:
    """Returns the seed of a stream's draw number `count`, int64 [2], for TensorFlow's stateless operations.

    A plain list [seed, count] would take the type of `count`; as int32 it would silently truncate the seed.
    """
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(count, tf.int64)])
