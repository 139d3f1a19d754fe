"""Influence of single images on the Fréchet and the kernel distance, for bootstrap intervals of thousands of images.

A distance of two sets is, to first order, its value plus the mean influence of the real images plus that of the
generated ones, where the mean influence of all images of a set is 0. A resample changes only these two means. So it
costs O(n), where the distance itself needs a root of matrices [d, d] or all pairs of images. And a resample's distance
itself would be too high: its repeated images count as fewer, which raises a Fréchet distance.

The first order is enough where distances are well above 0: there it gives the standard deviation of the distance of new
images. Between two equal distributions it vanishes, and the interval is too narrow. A Fréchet distance of few images is
too high by itself; the interval is for its expectation at these numbers of images.
"""

import dataclasses

import numpy as np

from pgtf.metrics.activations import Activations
from pgtf.metrics.intervals import FEWEST_IMAGES, Interval, interval
from pgtf.metrics.measurements import Measurement

ROWS = 1000  # Images whose pairs are computed at once.
LEAST = 1e-12  # Share of the largest eigenvalue of a covariance below which one is rounding.


@dataclasses.dataclass(frozen=True)
class Influences:
    """A distance, and the influence of each image on it. A sample of `intervals.interval`.

    Args:
      value: The distance.
      real: float [m], with a mean of 0. generated: float [n], with a mean of 0.
    """

    value: float
    real: np.ndarray
    generated: np.ndarray

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of real and of generated images."""
        return len(self.real), len(self.generated)

    def weighted(self, real: np.ndarray, generated: np.ndarray) -> np.ndarray:
        """Computes distances [resamples] under weights [resamples, m] and [resamples, n]."""
        return self.value + real @ self.real / real.sum(axis=1) + generated @ self.generated / generated.sum(axis=1)

    @property
    def interval(self) -> Interval:
        """The interval over the images of both sides."""
        return interval({0: {"": self}})


def with_intervals(real: Activations, generated: Activations, found: dict[str, Measurement]) -> dict[str, Measurement]:
    """Returns the measurements of `frechet_kernel.distances` with intervals, as far as `influences` has them."""
    bounds = {name: sample.interval for name, sample in influences(real, generated, found).items()}
    return {
        name: dataclasses.replace(figure, interval=(bounds[name].low, bounds[name].high)) if name in bounds else figure
        for name, figure in found.items()
    }


def influences(real: Activations, generated: Activations, found: dict[str, Measurement]) -> dict[str, Influences]:
    """Returns {name: Influences} of distances that `frechet_kernel.distances` measured.

    Leaves out a Fréchet distance of a side that has not more images than features, whose error is more its bias.
    """
    a, b = real.features, generated.features
    least = min(len(a), len(b))
    return {
        name: Influences(figure.value, *(frechet_influences if name.startswith("F") else kernel_influences)(a, b))
        for name, figure in found.items()
        if figure.value is not None and (least > a.shape[1] if name.startswith("F") else least >= FEWEST_IMAGES)
    }


def frechet_influences(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the influence of features [n, d] and [m, d] on |μa - μb|² + Tr(Σa + Σb - 2 (Σa Σb)^½).

    That of x of the first is 2 (μa - μb)ᵀ y + yᵀ (1 - T) y, less its mean, where y = x - μa, and T transports one
    normal distribution to the other: T Σa T = Σb.
    """
    a, b = (np.asarray(x, "float64") for x in (a, b))
    gap = a.mean(axis=0) - b.mean(axis=0)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    covariances = [x.T @ x / len(x) for x in (a, b)]
    return (
        _frechet_side(a, gap, _transport(*covariances)),
        _frechet_side(b, -gap, _transport(*reversed(covariances))),
    )


def kernel_influences(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the influence of features [n, d] and [m, d] on the squared MMD with k(x, y) = (xᵀy / d + 1)³.

    That of x of the first is 2 (mean over y of k(x, y), y of the first - of the second), less its mean.
    """
    a, b = (np.asarray(x, "float64") for x in (a, b))
    return tuple(_centred(2 * (_mean_kernel(x, x, True) - _mean_kernel(x, y))) for x, y in ((a, b), (b, a)))


def _frechet_side(x, gap, transport):
    return _centred(2 * x @ gap + np.sum(x * (x - x @ transport), axis=1))


def _transport(one, other):
    """Returns the symmetric T with T · one · T = other."""
    values, vectors = np.linalg.eigh(one)
    kept = values > LEAST * values[-1]
    vectors, roots = vectors[:, kept], np.sqrt(values[kept])
    root, inverse = (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T
    values, vectors = np.linalg.eigh(root @ other @ root)
    return inverse @ ((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T) @ inverse


def _mean_kernel(x, y, same=False):
    """Returns the mean of k(x, y) over y, or over all others of the same set, for each x."""
    sums = [((x[first : first + ROWS] @ y.T / x.shape[1] + 1) ** 3).sum(axis=1) for first in range(0, len(x), ROWS)]
    total = np.concatenate(sums)
    if not same:
        return total / len(y)
    return (total - (np.sum(x**2, axis=1) / x.shape[1] + 1) ** 3) / (len(y) - 1)


def _centred(values):
    return values - values.mean()
