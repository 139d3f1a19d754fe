"""Every random stream has a name, and its seed follows from it: no two streams share their numbers."""

from __future__ import annotations

import hashlib

import tensorflow as tf


def seed_of(*names: str | int) -> int:
    """The seed of a stream, 63 bits of the sha256 of its name; the name's parts are as those of a path."""
    path = "/".join(str(name) for name in names)
    digest = hashlib.sha256(path.encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def counted(seed: int, count: tf.Tensor | int) -> tf.Tensor:
    """The seed of a stream's draw number `count`, for TensorFlow's stateless operations: int64 [2].

    A plain list [seed, count] takes the type of count, and int32 cuts the seed off without a word.
    """
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(count, tf.int64)])
