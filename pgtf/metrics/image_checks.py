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


def checked_any(images) -> np.ndarray:
    """Returns images as an array: uint8 RGB, or float32 [n, h, w, c] in [-1, 1]. Raises ValueError if it is neither."""
    images = np.asarray(images)
    is_scaled = images.dtype == np.float32 and images.ndim == 4 and images.size and np.abs(images).max() <= 1
    return images if is_scaled else checked(images)


def checked_pairs(generated, targets) -> tuple:
    """Returns pairs of images as two arrays. Raises ValueError if their shapes or types differ."""
    generated, targets = checked_any(generated), checked_any(targets)
    if (generated.shape, generated.dtype) != (targets.shape, targets.dtype):
        raise ValueError(
            "Each generated image needs a target of the same size. "
            f"Received: {list(generated.shape)} generated, {list(targets.shape)} targets"
        )
    return generated, targets
