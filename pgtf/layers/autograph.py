"""Decorator for a layer's `call` that turns AutoGraph off."""

from typing import Any, Callable, TypeVar, cast

import tensorflow as tf

_Function = TypeVar("_Function", bound=Callable[..., Any])


def without_autograph(function: _Function) -> _Function:
    """Keeps AutoGraph from converting a function: conversion is slow, and only `if` or `for` over tensors need it."""
    unconverted = tf.autograph.experimental.do_not_convert(function)
    # Keras inspects the signature of `call`, so the decorator must preserve it.
    return cast(_Function, tf.__internal__.decorator.make_decorator(function, unconverted))
