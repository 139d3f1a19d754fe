"""Latents: the random inputs of generators, each from a seed."""

from collections.abc import Iterable

import numpy as np


def latents(seeds: Iterable[int], length: int) -> np.ndarray:
    """Returns latents from N(0, 1), float32 [n, length], one for each seed: the same in all versions of numpy."""
    return np.stack([np.random.RandomState(seed).standard_normal(length) for seed in seeds]).astype("float32")
