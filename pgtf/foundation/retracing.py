"""Silences TensorFlow's retracing warning: each task has its own networks, so each needs its own graph."""

import contextlib
import logging
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def silence_retracing() -> Iterator[None]:
    """Suppresses the retracing warning inside the block."""
    logger = tf.get_logger()
    logger.addFilter(_other)
    try:
        yield
    finally:
        logger.removeFilter(_other)


def _other(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
