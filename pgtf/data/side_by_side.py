"""Telling pairs side by side from single images, by what lies on both sides of the middle of a file.

In a photo the picture goes on across its middle: the columns there differ no more than others do, and have their edges
in the same rows. In a pair another picture begins there. Plain margins say neither, and count as a pair.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from pgtf.data.reading import ImageError, read

LOOKED_AT, FEWEST = 32, 4  # Files of a folder: at most, and for a verdict.
ROWS, COLUMNS = 128, 8  # Rows that an image is shrunk to, and columns on each side of its middle.
# Of real pairs fewer than 1 in 50 pass all three, in whatever size and quality; of photos two in three or more.
STEP, REPLICA_LOCAL, CONTRAST = 2.0, 0.3, 2.0


def refuse_single_images(folder: str, paths: Sequence[str]) -> None:
    """Raises ValueError if most of a sample of files, which should hold pairs, are single images.

    Args:
      folder: Where they lie, for the error.
      paths: The files; those that can't be read are passed over.
    """
    verdicts = []
    for index in sorted(np.random.default_rng(0).permutation(len(paths))[:LOOKED_AT]):
        try:
            verdicts.append(goes_on(read(paths[index])))
        except ImageError:
            continue
    if len(verdicts) >= FEWEST and sum(verdicts) > len(verdicts) / 2:
        raise ValueError(
            f"These look like single images, not pairs side by side: in {sum(verdicts)} of {len(verdicts)} the picture "
            "goes on across the middle. Pairs in two files each: inputs in trainA and targets in trainB, of the same "
            "names, or a table train.csv with lines input,target. Images of two kinds without pairs: the kinds in "
            f"trainA and trainB, and --objective=cyclegan. Received: {folder!r}"
        )


def goes_on(image: np.ndarray) -> bool:
    """Whether the picture of a file, uint8 [h, w, 3], goes on across its middle column."""
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
    return bool((edges[0] * edges[1]).mean() > REPLICA_LOCAL * contrasts[0] * contrasts[1])


def _shrunk(side: np.ndarray) -> np.ndarray:
    """Gray [rows, columns] of at most so many rows: what cameras add to single pixels is gone."""
    height, width = side.shape[:2]
    rows = min(height, ROWS)
    size = max(2, round(width * rows / height)), rows
    return np.asarray(Image.fromarray(side).resize(size, Image.Resampling.BOX), "float32").mean(axis=2)
