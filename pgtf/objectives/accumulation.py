"""A batch in parts, one after the other: what does not fit into memory at once."""

from typing import Any, Callable

import tensorflow as tf


def mean_of(parts: int, function: Callable[..., tuple[Any, tuple]], *batch: tf.Tensor) -> tuple[Any, tuple]:
    """What a function makes of a batch, part by part.

    Args:
      parts: How many.
      function: The same part of each tensor -> (what is averaged, any nest; tensors [n, …] that are joined).
      *batch: Tensors [parts·n, …].

    Returns:
      As the function.
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
    # One at a time: side by side they would take the memory of the whole.
    _, total, rows = tf.while_loop(lambda number, *_: number < parts, body, (1, total, rows), parallel_iterations=1)
    joined = (tf.reshape(row.stack(), [parts * x.shape[0], *x.shape[1:]]) for row, x in zip(rows, made))
    return total, tuple(joined)
