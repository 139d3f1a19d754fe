"""GPUs compute in float32 as it is written, not in TF32, whose 10 bits are off by about 1e-3."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def true_float32() -> Iterator[None]:
    """What runs in this block is not rounded to TF32, so that outputs of different machines can be compared."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
