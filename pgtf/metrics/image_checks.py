"""What images must be like to be measured."""

import numpy as np


def checked(images) -> np.ndarray:
    """The images as an array, which must be uint8 [n, h, w, 3] with n of at least 1."""
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3 or not images.size:
        raise ValueError(
            f"Images are uint8 [n, height, width, 3], at least one. Received: {images.dtype} {list(images.shape)}"
        )
    return images


def checked_pairs(generated, targets) -> tuple:
    """Both as arrays of one shape: image i of the one belongs to image i of the other."""
    generated, targets = checked(generated), checked(targets)
    if generated.shape != targets.shape:
        raise ValueError(
            "Each generated image has its target, of its size. "
            f"Received: {list(generated.shape)} generated, {list(targets.shape)} targets"
        )
    return generated, targets
