"""Full float32 on GPUs instead of TF32, whose 10-bit mantissa gives errors of about 1e-3."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def true_float32() -> Iterator[None]:
    """Disables TF32 inside the block, so that outputs of different machines can be compared."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
