"""Each task's networks have graphs of their own, which TensorFlow takes for one that is traced again and again."""

import contextlib
import logging
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def silence_retracing() -> Iterator[None]:
    """Leaves that warning out while the block lasts."""
    logger = tf.get_logger()
    logger.addFilter(_other)
    try:
        yield
    finally:
        logger.removeFilter(_other)


def _other(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
