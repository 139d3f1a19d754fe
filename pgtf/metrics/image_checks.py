"""Checks of the type and shape of images."""

import numpy as np


def checked(images) -> np.ndarray:
    """Returns images as an array. Raises ValueError if it is not uint8 [n, h, w, 3] with n at least 1."""
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3 or not images.size:
        raise ValueError(
            f"Images must be uint8 [n, height, width, 3], at least one. Received: {images.dtype} {list(images.shape)}"
        )
    return images


def checked_pairs(generated, targets) -> tuple:
    """Returns pairs of images as two arrays. Raises ValueError if their shapes differ."""
    generated, targets = checked(generated), checked(targets)
    if generated.shape != targets.shape:
        raise ValueError(
            "Each generated image needs a target of the same size. "
            f"Received: {list(generated.shape)} generated, {list(targets.shape)} targets"
        )
    return generated, targets
