"""The colours of a task's inputs, to draw with."""

from collections.abc import Sequence

import numpy as np

STEP = 16  # Colours that differ by less count as one.
APART = 48  # Two colours of a palette differ by more, in the channel in which they differ most.


def palette(pictures: Sequence[np.ndarray], most: int = 12, least_share: float = 0.0005) -> list[str]:
    """The most frequent colours of pictures, most frequent first, as "#rrggbb".

    Args:
      pictures: uint8 [h, w, 3].
      most: How many.
      least_share: Of the pixels, that a colour has.

    Returns:
      At least one colour.
    """
    pixels = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype("int64")
    bins = pixels // STEP
    _, where, counts = np.unique(bins @ (1, 256, 65536), return_inverse=True, return_counts=True)
    chosen: list[np.ndarray] = []
    for number in np.argsort(-counts, kind="stable"):
        if len(chosen) == most or (chosen and counts[number] < least_share * len(pixels)):
            break
        exact, times = np.unique(pixels[where == number], axis=0, return_counts=True)
        colour = exact[times.argmax()]  # Not the mean: labels are exact colours.
        if all(np.abs(colour - other).max() > APART for other in chosen):
            chosen.append(colour)
    return ["#" + bytes(colour.tolist()).hex() for colour in chosen]
