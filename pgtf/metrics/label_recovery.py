"""Label images of flat colours as classes, and how well classes are recovered: pixel accuracy and mean IoU.

Label images are JPEGs: flat areas are a little off their colour, and borders hold mixtures of two. `palette` finds the
colours, `classes` maps each pixel to the nearest.
"""

import dataclasses

import numpy as np

MOST_CLASSES, LEAST_SHARE = 24, 1e-3
FLAT = 12  # The most that a channel of a flat area differs between neighbours.
NEAR = 32  # Colours that are nearer (Euclidean) are one.
CELL = 16  # Colours are counted in cells of this width.
READ = 400  # Images that a palette is counted from, at most.


def palette(images: np.ndarray) -> np.ndarray:
    """Finds the flat colours of label images.

    Pixels count where all eight neighbours are alike. Cells of colours are taken by frequency; a cell near a colour
    found before adds to its share. Colours of less than 0.1 % are left out, and all after the 24th.

    Args:
      images: uint8 [n, h, w, 3]. Of more than 400, as many are read at even steps.

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
        raise ValueError(f"Label images must have two flat colours or more. Received: {len(found)}")
    return np.rint(found).astype("uint8")


def classes(images: np.ndarray, colours: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps pixels to the nearest of colours [classes, 3].

    A smaller size takes every so many-th pixel: a mean of two colours may be a third class's.

    Args:
      images: uint8 [n, h, w, 3].
      colours: uint8 [classes, 3].
      size: The (height, width) of the result.

    Returns:
      uint8 [n, *size].
    """
    rows, columns = ((2 * np.arange(to) + 1) * of // (2 * to) for to, of in zip(size, images.shape[1:3]))
    colours = colours.astype("float32")
    # |x - c|² is least where |c|² - 2 xᵀc is.
    maps = [
        np.argmin((colours**2).sum(axis=1) - 2 * (image[rows][:, columns].astype("float32") @ colours.T), axis=-1)
        for image in images
    ]
    return np.array(maps, "uint8").reshape([len(images), *size])


@dataclasses.dataclass(frozen=True)
class Recovery:
    """Classes that were found in images, against the true ones.

    Args:
      pixel_accuracy: float64 [n], the share of each image's pixels whose class is right.
      confusion: int64 [classes, classes], pixels of all images by true class (rows) and found class (columns).
    """

    pixel_accuracy: np.ndarray
    confusion: np.ndarray

    @property
    def accuracy(self) -> float:
        """The mean pixel accuracy."""
        return float(self.pixel_accuracy.mean())

    @property
    def mean_iou(self) -> float:
        """The mean over true classes of intersection / union, each counted over all images."""
        right, true = np.diag(self.confusion), self.confusion.sum(axis=1)
        occur = true > 0
        union = true + self.confusion.sum(axis=0) - right
        return float(np.mean(right[occur] / union[occur]))


def recovery(found: np.ndarray, true: np.ndarray, count: int) -> Recovery:
    """Compares found and true classes, uint8 [n, h, w] below `count`."""
    if found.shape != true.shape or found.ndim != 3 or not found.size:
        raise ValueError(
            f"Found and true classes must be [n, h, w] alike. Received: {list(found.shape)} and {list(true.shape)}"
        )
    pairs = true.astype("int64").ravel() * count + found.ravel()
    confusion = np.bincount(pairs, minlength=count**2).reshape([count, count])
    return Recovery((found == true).mean(axis=(1, 2)), confusion)


def _flat(image):
    """The pixels [n, 3] of an image [h, w, 3] that differ little from all eight neighbours."""
    spread = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(0, 1))
    inner = image[1:-1, 1:-1]
    return inner[np.abs(spread - inner[..., None, None]).max(axis=(2, 3, 4)) <= FLAT]
