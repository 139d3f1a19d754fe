"""Replacement for the kernel distance of tensorflow_gan.eval, for environments without tensorflow-gan."""

import math

import numpy as np


def kernel_classifier_distance_and_std_from_activations(
    real: np.ndarray, generated: np.ndarray, max_block_size: int
) -> tuple[float, float]:
    """Returns the mean over blocks of the unbiased squared MMD with k(x, y) = (xᵀy / d + 1)³, and its standard error.

    Args:
      real: Features [n, d].
      generated: Features [m, d].
      max_block_size: The largest block of the larger side. Both sides have the same number of blocks.
    """
    blocks = math.ceil(max(len(real), len(generated)) / max_block_size)
    values = [
        _squared_mmd(a, b) for a, b in zip(_split(np.asarray(real), blocks), _split(np.asarray(generated), blocks))
    ]
    error = np.std(values, ddof=1) / math.sqrt(blocks) if blocks > 1 else math.nan
    return float(np.mean(values)), float(error)


def _split(features, blocks):
    """Splits features into blocks of almost equal size, the larger ones last, as tensorflow-gan does."""
    return np.split(
        features, len(features) - np.cumsum([len(part) for part in np.array_split(features, blocks)])[-2::-1]
    )


def _squared_mmd(a, b):
    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(k):
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    return within(kernel(a, a)) + within(kernel(b, b)) - 2 * kernel(a, b).mean()
