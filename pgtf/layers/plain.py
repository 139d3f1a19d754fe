"""Layers whose `call` TensorFlow takes as it is written."""

from typing import Any, Callable, TypeVar, cast

import tensorflow as tf

_Function = TypeVar("_Function", bound=Callable[..., Any])


def plain(function: _Function) -> _Function:
    """`function`, not rewritten by AutoGraph: rewriting takes long, and only an `if` or `for` over tensors needs it."""
    unconverted = tf.autograph.experimental.do_not_convert(function)
    # Keras looks at the signature of a `call`.
    return cast(_Function, tf.__internal__.decorator.make_decorator(function, unconverted))
