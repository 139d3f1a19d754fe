"""Layers without weights that networks are made of: those of Keras, and those that it lacks."""

from typing import Any

import keras

from pgtf.layers.minibatch_stddev import MinibatchStdDev
from pgtf.layers.ones_and_row import Ones, Row
from pgtf.layers.padding import ReflectionPadding2D
from pgtf.layers.resampling import Doubled, Smooth

__all__ = ["Doubled", "MinibatchStdDev", "Ones", "ReflectionPadding2D", "Row", "Smooth"]


def __getattr__(name: str) -> Any:
    return getattr(keras.layers, name)
