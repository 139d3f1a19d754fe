"""Classes of label images with flat colours, and scores of recovered classes: pixel accuracy and mean IoU.

Label images are JPEGs: flat areas deviate slightly from their colour, and borders mix two colours. `palette` finds the
colours, `classes` maps each pixel to the nearest one.
"""

import dataclasses

import numpy as np

MOST_CLASSES, LEAST_SHARE = 24, 1e-3
FLAT = 12  # Maximum difference of a channel between neighbours in a flat area.
NEAR = 32  # Colours closer than this (Euclidean) count as one.
CELL = 16  # Colours are counted in cells of this width.
READ = 400  # Maximum number of images that a palette is counted from.


def palette(images: np.ndarray) -> np.ndarray:
    """Finds the flat colours of label images.

    Only pixels whose eight neighbours are alike count. Cells of colours are visited by frequency. A cell near a colour
    that was already found adds to its share. Colours of less than 0.1 % and all after the 24th are left out.

    Args:
      images: uint8 [n, h, w, 3]. If there are more than 400, at most 400 are used, evenly spaced.

    Returns:
      uint8 [classes, 3], the most frequent first.
    """
    counts, sums = np.zeros(4096, "int64"), np.zeros([4096, 3])
    for image in images[:: -(-len(images) // READ)]:
        pixels = _flat(image.astype("int64"))
        cells = (pixels // CELL) @ [256, 16, 1]
        counts += np.bincount(cells, minlength=4096)
        sums += np.stack([np.bincount(cells, channel, minlength=4096) for channel in pixels.T], axis=1)
    colours, shares = np.zeros([0, 3]), np.zeros(0)
    for cell in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]:
        colour, share = sums[cell] / counts[cell], counts[cell] / counts.sum()
        away = np.linalg.norm(colours - colour, axis=1)
        if len(away) and away.min() < NEAR:
            shares[away.argmin()] += share
        else:
            colours, shares = np.concatenate([colours, [colour]]), np.append(shares, share)
    by_share = np.argsort(-shares, kind="stable")[:MOST_CLASSES]
    found = colours[by_share[shares[by_share] >= LEAST_SHARE]]
    if len(found) < 2:
        raise ValueError(f"The label images must have at least two flat colours. Received: {len(found)}")
    return np.rint(found).astype("uint8")


def classes(images: np.ndarray, colours: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps pixels to the nearest of colours [classes, 3].

    A smaller size subsamples pixels and does not average them: the mean of two colours may be a third class's.

    Args:
      images: uint8 [n, h, w, 3].
      colours: uint8 [classes, 3].
      size: The (height, width) of the result.

    Returns:
      uint8 [n, *size].
    """
    rows, columns = ((2 * np.arange(to) + 1) * of // (2 * to) for to, of in zip(size, images.shape[1:3]))
    colours = colours.astype("float32")
    # |x - c|² and |c|² - 2 xᵀc have the same minimum over c.
    maps = [
        np.argmin((colours**2).sum(axis=1) - 2 * (image[rows][:, columns].astype("float32") @ colours.T), axis=-1)
        for image in images
    ]
    return np.array(maps, "uint8").reshape([len(images), *size])


@dataclasses.dataclass(frozen=True)
class Recovery:
    """Comparison of the classes found in images with the true ones.

    Args:
      pixel_accuracy: float64 [n], share of correctly classified pixels of each image.
      confusion: int64 [classes, classes], number of pixels by true class (rows) and found class (columns).
    """

    pixel_accuracy: np.ndarray
    confusion: np.ndarray

    @property
    def accuracy(self) -> float:
        """The mean pixel accuracy."""
        return float(self.pixel_accuracy.mean())

    @property
    def mean_iou(self) -> float:
        """The mean IoU over the true classes. Intersection and union are counted over all images."""
        right, true = np.diag(self.confusion), self.confusion.sum(axis=1)
        occur = true > 0
        union = true + self.confusion.sum(axis=0) - right
        return float(np.mean(right[occur] / union[occur]))


def recovery(found: np.ndarray, true: np.ndarray, count: int) -> Recovery:
    """Compares found and true classes, uint8 [n, h, w] below `count`."""
    if found.shape != true.shape or found.ndim != 3 or not found.size:
        raise ValueError(
            "Found and true classes must have the same shape [n, h, w]. "
            f"Received: {list(found.shape)} and {list(true.shape)}"
        )
    pairs = true.astype("int64").ravel() * count + found.ravel()
    confusion = np.bincount(pairs, minlength=count**2).reshape([count, count])
    return Recovery((found == true).mean(axis=(1, 2)), confusion)


def _flat(image):
    """Selects the pixels [n, 3] of an image [h, w, 3] that differ little from all eight neighbours."""
    spread = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(0, 1))  # type: ignore[call-overload]  # Its stub knows one axis.
    inner = image[1:-1, 1:-1]
    return inner[np.abs(spread - inner[..., None, None]).max(axis=(2, 3, 4)) <= FLAT]
