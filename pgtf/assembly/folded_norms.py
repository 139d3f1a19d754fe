"""Restores batch norms that were folded into a file's weights: the same function, with norms that can be trained.

After folding, a norm only adds a bias: y → y + bias. Training would at once normalize its input, which is another
function. So its statistics are measured on images, and its scale and shift are set to undo them.
"""

from collections.abc import Sequence

import keras
import numpy as np

BATCH = 8


def is_folded(layer: keras.layers.BatchNormalization) -> bool:
    """Returns whether a norm does nothing but add a bias."""
    gamma, _, mean, variance = layer.get_weights()
    return bool(np.all(gamma == 1) and not np.any(mean) and np.allclose(variance, 1 - layer.epsilon))


def measure_folded_norms(network: keras.Model, images: Sequence[np.ndarray]) -> None:
    """Sets the statistics of the folded norms of a network, and the scale and shift that undo them.

    Args:
      network: A network. Its outputs stay the same up to rounding.
      images: Images that its input may be, float32 in [-1, 1].
    """
    norms = [
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization) and is_folded(layer)
    ]
    if not norms:
        return
    maps = keras.Model(network.inputs, [layer.input for layer in norms])
    sums: list[np.ndarray] = [np.zeros((2, layer.input.shape[-1])) for layer in norms]
    for start in range(0, len(images), BATCH):
        found = maps(np.stack(images[start : start + BATCH]), training=False)
        for total, each in zip(sums, found if isinstance(found, (list, tuple)) else [found]):
            values = np.asarray(each, "float64")
            total += len(values) * np.stack([values.mean((0, 1, 2)), np.square(values).mean((0, 1, 2))])
    for layer, total in zip(norms, sums):
        mean, square = total / len(images)
        _, bias, *_ = layer.get_weights()
        variance = np.maximum(square - np.square(mean), 0)
        layer.set_weights([np.sqrt(variance + layer.epsilon), bias + mean, mean, variance])
