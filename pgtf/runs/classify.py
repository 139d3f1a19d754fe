"""Classifies images of any size, and files."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from pgtf.assembly.swapping import TaskNetwork
from pgtf.data.rgb_images import is_image_name, read
from pgtf.foundation import retracing
from pgtf.foundation.errors import ImageError
from pgtf.metrics.classification import probabilities
from pgtf.runs.shared_body import network_input, shared_bodies

BATCH = 32


@dataclasses.dataclass(frozen=True)
class Guess:
    """The predicted classes of one image, the likeliest first: ((name, probability), …)."""

    image: str
    task: str
    classes: tuple[tuple[str, float], ...]


class Classifier:
    """Applies a network of scores to images of any size, which are resized to the size of training.

    Args:
      network: The network, [n, *size, 3] in [-1, 1] -> scores [n, classes]. It is compiled, unless it is a TaskNetwork.
      size: (height, width) of the training images.
      labels: Names of the classes.
    """

    def __init__(self, network: Callable, size: tuple[int, int], labels: tuple[str, ...]):
        self.size, self.labels = size, labels

        @tf.function(input_signature=[tf.TensorSpec([None, *size, 3], tf.float32)], autograph=False)
        def apply(images):
            return network(images, training=False)

        self._apply = network if isinstance(network, TaskNetwork) else apply

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the probability of each class, float64 [n, classes].

        Args:
          images: Arrays as `rgb_images.of_array` takes them: gray, RGB or RGBA, uint8 or uint16.
        """
        with retracing.silence_retracing():
            return probabilities(self._apply(network_input(images, self.size)).numpy())

    def ranked(self, shares: np.ndarray, most: int) -> Iterator[tuple[tuple[str, float], ...]]:
        """Yields the `most` likeliest classes of each row of probabilities, the likeliest first."""
        for found in shares:
            order = np.argsort(-found, kind="stable")[:most]
            yield tuple((self.labels[place], float(found[place])) for place in order)


def image_files(inputs: Iterable[str]) -> list[str]:
    """Lists image files: those in `inputs`, and those in folders of `inputs` and their subfolders, in order."""
    found: list[str] = []
    for path in inputs:
        if not os.path.exists(path):
            raise FileNotFoundError(f"The input does not exist. Name images or folders. Received: {path!r}")
        if os.path.isdir(path):
            inner = [os.path.join(place, name) for place, _, names in os.walk(path) for name in names]
            found += sorted(name for name in inner if is_image_name(os.path.basename(name)))
        else:
            found.append(path)
    if not found:
        raise ValueError(f"An input must hold images (jpg, png, …). Received: {', '.join(map(repr, inputs)) or 'none'}")
    return found


def classify_files(
    run: Any, tasks: Sequence[str], paths: Sequence[str], most: int, unread: Callable[[ImageError], Any]
) -> Iterator[Guess]:
    """Yields a Guess for each image and task, image by image.

    Args:
      run: A run, `pgtf.load(path)`.
      tasks: Names of the tasks.
      paths: Image files.
      most: Number of classes of a guess.
      unread: Called with the error of an image that can't be read; the image is left out.
    """
    classifiers = {name: run[name].classifier for name in tasks}
    bodies = shared_bodies({name: run[name] for name in tasks})
    waiting = iter(paths)
    while batch := list(itertools.islice(waiting, BATCH)):
        images = {}
        for path in batch:
            try:
                images[path] = read(path)
            except ImageError as error:
                unread(error)
        if not images:
            continue
        shares = {name: each for body in bodies for name, each in body(list(images.values())).items()}
        found = {}
        for name, one in classifiers.items():
            each = shares[name] if name in shares else one(list(images.values()))
            found[name] = one.ranked(each, most)
        for path in images:
            for name in tasks:
                yield Guess(path, name, next(found[name]))
