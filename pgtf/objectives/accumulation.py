"""Gradient accumulation: processes a batch that does not fit into memory in parts, one after the other."""

from typing import Any, Callable

import tensorflow as tf


def mean_of(parts: int, function: Callable[..., tuple[Any, tuple]], *batch: tf.Tensor) -> tuple[Any, tuple]:
    """Applies a function to a batch, part by part.

    Args:
      parts: Number of parts.
      function: Maps the same part of each tensor to (a nest that is averaged over parts, tensors [n, …] that are
        concatenated).
      *batch: Tensors [parts·n, …].

    Returns:
      (the averaged nest, the concatenated tensors).
    """
    if parts == 1:
        return function(*batch)
    stacks = [tf.reshape(x, [parts, x.shape[0] // parts, *x.shape[1:]]) for x in batch]

    def result(number):
        averaged, made = function(*(stack[number] for stack in stacks))
        return tf.nest.map_structure(lambda value: value / parts, averaged), made

    def body(number, total, rows):
        averaged, made = result(number)
        total = tf.nest.map_structure(tf.add, total, averaged)
        return number + 1, total, tuple(row.write(number, x) for row, x in zip(rows, made))

    total, made = result(0)
    rows = tuple(tf.TensorArray(x.dtype, parts, element_shape=x.shape).write(0, x) for x in made)
    # One part at a time: in parallel they would need the memory of the whole batch.
    _, total, rows = tf.while_loop(lambda number, *_: number < parts, body, (1, total, rows), parallel_iterations=1)
    joined = (tf.reshape(row.stack(), [parts * x.shape[0], *x.shape[1:]]) for row, x in zip(rows, made))
    return total, tuple(joined)
