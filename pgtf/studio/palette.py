"""Drawing colours taken from a task's inputs."""

from collections.abc import Sequence

import numpy as np

STEP = 16  # Bin size in each channel: colours of one bin count as one.
APART = 48  # Least difference of two colours of a palette, in the channel where they differ most.


def palette(pictures: Sequence[np.ndarray], most: int = 12, least_share: float = 0.0005) -> list[str]:
    """Finds the most frequent colours of images.

    Args:
      pictures: Images, uint8 [h, w, 3].
      most: Maximum number of colours.
      least_share: Minimum fraction of the pixels that a colour has.

    Returns:
      At least one colour as "#rrggbb", the most frequent first.
    """
    pixels = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype("int64")
    bins = pixels // STEP
    _, where, counts = np.unique(bins @ (1, 256, 65536), return_inverse=True, return_counts=True)
    chosen: list[np.ndarray] = []
    for number in np.argsort(-counts, kind="stable"):
        if len(chosen) == most or (chosen and counts[number] < least_share * len(pixels)):
            break
        exact, times = np.unique(pixels[where == number], axis=0, return_counts=True)
        colour = exact[times.argmax()]  # The most frequent value, not the mean: label maps use exact colours.
        if all(np.abs(colour - other).max() > APART for other in chosen):
            chosen.append(colour)
    return ["#" + bytes(colour.tolist()).hex() for colour in chosen]
