"""Similarity of tasks, measured by features of their images in one network, the run's first one.

The features are the mean and standard deviation of each channel of the first three convolutions, over all pixels of all
images, separately for a task's inputs and targets. The distance of two tasks is the distance of their features. Each
convolution is scaled to have equal weight.
"""

from collections.abc import Mapping

import keras
import numpy as np

from pgtf.data.rgb_images import to_input
from pgtf.layers import Conv2D
from pgtf.storage.probes import Probes

CONVOLUTIONS = 3


def ranked_by_similarity(network: keras.Model, own: Probes, others: Mapping[str, Probes]) -> list[str]:
    """Sorts tasks by the similarity of their images to a task's images, the most similar first.

    Args:
      network: The network whose features are compared. It takes images [n, h, w, 3].
      own: Images of the task.
      others: {task: its images}.

    Returns:
      The names of all others.
    """
    seen = keras.Model(network.input, _convolved(network))
    mine, theirs = _features(seen, own), {name: _features(seen, probes) for name, probes in others.items()}
    scales = [np.sqrt(np.mean(np.square(layer))) for layer in mine]
    distances = {
        name: sum(np.linalg.norm(one - other) / scale for one, other, scale in zip(mine, found, scales))
        for name, found in theirs.items()
    }
    return sorted(distances, key=lambda name: distances[name])


def _convolved(network: keras.Model) -> list:
    return [layer.output for layer in network.layers if isinstance(layer, Conv2D)][:CONVOLUTIONS]


def with_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """Returns images [n, h, w, c] with this many channels: their own, or their mean, repeated."""
    if images.shape[-1] == channels:
        return images
    return np.repeat(images.mean(axis=-1, keepdims=True), channels, axis=-1)


def _features(seen: keras.Model, probes: Probes) -> list[np.ndarray]:
    """Computes the features of each convolution: [2 sides, 2 (mean and standard deviation), channels]."""
    arrays = (probes.inputs["forward"], *probes.targets.values(), probes.inputs.get("backward"))
    channels = seen.input.shape[-1]
    images = [with_channels(to_input(array), channels) for array in arrays if array is not None and array.ndim == 4]
    sides = [[layer.numpy() for layer in seen(side)] for side in images]
    return [
        np.stack([[values.mean((0, 1, 2)), values.std((0, 1, 2))] for values in layer_of_sides])
        for layer_of_sides in zip(*sides)
    ]
