"""Distinguishes pairs side by side from single images, by the columns on both sides of a file's middle.

In a single image the picture continues across the middle: neighbouring columns there differ no more than elsewhere,
and have their edges in the same rows. In a pair another picture begins there. Plain margins are inconclusive, and
count as a pair.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from pgtf.data.rgb_images import read
from pgtf.foundation.errors import ImageError

LOOKED_AT, FEWEST = 32, 4  # Most files that are sampled from a folder; fewest readable ones for a decision.
ROWS, COLUMNS = 128, 8  # Rows that an image is shrunk to; columns that are used on each side of its middle.
# Thresholds. Fewer than 1 in 50 real pairs pass all three, in any size and quality; of photos, 2 in 3 or more.
STEP, CORRELATION, CONTRAST = 2.0, 0.3, 2.0


def refuse_single_images(folder: str, paths: Sequence[str]) -> None:
    """Raises ValueError if most of a sample of files, which should hold pairs, are single images.

    Args:
      folder: Their folder, for the error message.
      paths: The files; unreadable ones are skipped.
    """
    verdicts = []
    for index in sorted(np.random.default_rng(0).permutation(len(paths))[:LOOKED_AT]):
        try:
            verdicts.append(continues_across_middle(read(paths[index])))
        except ImageError:
            continue
    if len(verdicts) >= FEWEST and sum(verdicts) > len(verdicts) / 2:
        raise ValueError(
            f"These look like single images, not pairs side by side: in {sum(verdicts)} of {len(verdicts)} the picture "
            "continues across the middle. If input and target are two files, put inputs into trainA and targets of the "
            "same names into trainB, or list them in train.csv with lines input,target. If images are unpaired, put "
            f"the two domains into trainA and trainB, and use --objective=cyclegan. Received: {folder!r}"
        )


def continues_across_middle(image: np.ndarray) -> bool:
    """Returns whether the picture of a file, uint8 [h, w, 3], continues across its middle column."""
    height, half = len(image), image.shape[1] // 2
    if height < 4 or half < 2:
        return False
    left, right = (_shrunk(side) for side in (image[:, :half], image[:, -half:]))
    left, right = left[:, -COLUMNS:], right[:, :COLUMNS]
    step = np.abs(right[:, 0] - left[:, -1]).mean()
    beside = np.concatenate([np.abs(np.diff(side, axis=1)).mean(axis=0) for side in (left, right)]).mean()
    edges = [np.diff(left[:, -1]), np.diff(right[:, 0])]
    contrasts = [np.sqrt((edge**2).mean()) for edge in edges]
    if min(contrasts) <= CONTRAST or step >= STEP * beside:
        return False
    return bool((edges[0] * edges[1]).mean() > CORRELATION * contrasts[0] * contrasts[1])


def _shrunk(side: np.ndarray) -> np.ndarray:
    """Converts to gray [rows, columns] of at most ROWS rows, which removes pixel noise."""
    height, width = side.shape[:2]
    rows = min(height, ROWS)
    size = max(2, round(width * rows / height)), rows
    return np.asarray(Image.fromarray(side).resize(size, Image.Resampling.BOX), "float32").mean(axis=2)
