"""Runs classifiers that differ only in the last layer: the layers before it run once for all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.data.rgb_images import of_array, resized, to_float
from pgtf.foundation import retracing
from pgtf.metrics.classification import probabilities
from pgtf.networks.classifier import HEAD

if TYPE_CHECKING:
    from pgtf.runs.run import Task

FORWARD = "forward"


def network_input(images: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Returns images of any size as the input of a network, float32 [n, *size, 3] in [-1, 1]."""
    return np.stack([to_float(resized(of_array(image), *size)) for image in images])


def body_of(task: Task) -> tuple[Any, ...]:
    """Returns the identity of a task's layers before the last one. Two tasks with equal layers have equal identities.

    It follows from the method, from the tasks that it borrows from and from the arrays that the task stores of them.
    """
    digest = hashlib.sha256()
    for path, value in sorted(task.slice.values.items()):
        if path.split("/")[1] != HEAD:
            array = np.ascontiguousarray(value)
            digest.update(f"{path} {array.dtype} {array.shape} ".encode() + array.tobytes())
    shape = task.facts.architecture
    layers_of = shape.network, shape.size, shape.width, shape.norm, shape.options
    lenders = tuple(task.bank[name].sha256 for name in task.bank.names)
    return task.facts.method, layers_of, lenders, digest.hexdigest()


class SharedBody:
    """Classifies with several tasks in one pass.

    Args:
      tasks: {name: task} of equal `body_of`.
    """

    def __init__(self, tasks: Mapping[str, Task]):
        first = next(iter(tasks.values()))
        self.size = first.facts.architecture.size
        network = layers.folded(first.rebuilt()[FORWARD])
        body = keras.Model(network.inputs, network.get_layer(HEAD).input)
        heads = {
            name: [tf.constant(task.slice.values[f"{FORWARD}/{HEAD}/{part}"]) for part in ("unconstrained", "bias")]
            for name, task in tasks.items()
        }

        @tf.function(input_signature=[tf.TensorSpec([None, *self.size, 3], tf.float32)], autograph=False)
        def apply(images):
            features = body(images, training=False)[:, 0, 0]
            return {name: tf.matmul(features, kernel[0, 0]) + bias for name, (kernel, bias) in heads.items()}

        self._apply = apply

    def __call__(self, images: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Returns {name: probability of each class, float64 [n, classes]}; images as `runs.classify.Classifier`."""
        with retracing.silence_retracing():
            return {
                name: probabilities(each.numpy())
                for name, each in self._apply(network_input(images, self.size)).items()
            }


def shared_bodies(tasks: Mapping[str, Task]) -> list[SharedBody]:
    """Returns a SharedBody for each group of at least two tasks that can share one."""
    groups: dict[Any, dict[str, Task]] = {}
    for name, task in tasks.items():
        groups.setdefault(body_of(task), {})[name] = task
    return [SharedBody(group) for group in groups.values() if len(group) > 1]
